"""YAML files from outside, such as a run's record or an option file of the user's: read as plain values, never run."""

import io
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from zoo.config import BadInput

LARGEST = 10_000_000  # bytes
DEEPEST = 100  # lists and mappings in each other


def read(path: Path) -> dict[str, Any]:
    """Return the keys and values in a YAML file, with interpolations such as `${epochs}` as they stand.

    Raises:
        BadInput: It is no YAML of plain values, or no mapping of keys to values.
    """
    tree = _read(path)
    if not isinstance(tree, dict):
        raise BadInput(f"{path} should hold keys and values. Received: {type(tree).__name__}.")
    return {str(key): value for key, value in tree.items()}


def read_words(path: Path) -> list[str]:
    """Return the list of words in a YAML file.

    Raises:
        BadInput: It is no YAML of plain values, or no list.
    """
    words = _read(path)
    if not isinstance(words, list):
        raise BadInput(f"{path} should hold a list of words. Received: {type(words).__name__}.")
    return [str(word) for word in words]


def _read(path: Path) -> Any:
    try:
        if path.exists() and not path.is_file():  # reading a pipe would never end
            raise ValueError("it is no file")
        if path.stat().st_size > LARGEST:
            raise ValueError("it is too large for a file of options")
        text = path.read_text(encoding="utf-8")
        if "*" in text:
            _check_references(text)
        return OmegaConf.to_container(OmegaConf.load(io.StringIO(text)), resolve=False)  # plain values alone
    except RecursionError:
        reason = "it is nested too deeply"
    except AssertionError:  # of OmegaConf's: a number in quotes
        reason = "it holds a single value"
    except (yaml.YAMLError, OmegaConfBaseException, OSError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
    raise BadInput(f"{path} cannot be read as YAML: {reason}.")


def _check_references(text: str) -> None:
    """Refuse a text that refers to itself: a few lines can stand for more values than fit into memory.

    The zoo writes none such. The depth is bounded because PyYAML takes a millisecond for every bracket of a deep one.
    """
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("it refers to parts of itself by *; write them out")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise RecursionError
