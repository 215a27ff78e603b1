"""What MLflow takes: names of the letters it knows, texts of the lengths it stores, and the tags that every run has.

Text only, and the same for every way of writing; MLflow is not imported.
"""

import getpass
import json
import posixpath
import re
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from zoo.config import flatten
from zoo.tracking import provenance
from zoo.tracking.address import mask, root

# MLflow's limits, in characters.
PARAM_LENGTH = 6000
TAG_LENGTH = 8000
KEY_LENGTH = 250
DIGEST_LENGTH = 36
CONTEXT_TAG = "mlflow.data.context"
_CUT = re.compile(r" \.\.\. \(cut, [\d,]+ characters in all\)$")
_CONTEXTS = {"train": "training", "valid": "validation", "test": "test"}


class Split(NamedTuple):
    """One split of a data set, as MLflow records it among the inputs of a run."""

    name: str
    digest: str
    source_type: str
    source: str
    profile: str
    context: str


@lru_cache(maxsize=4096)
def key(name: str) -> str:
    """Return the nearest name that MLflow takes: letters, digits and `_-. :/`, and no path that leads elsewhere."""
    name = re.sub(r"[^\w\-. :/]", "_", name)
    return posixpath.normpath("/" + name).lstrip("/")[:KEY_LENGTH].rstrip("/") or "_"


def params(tree: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the (key, value) pairs of params: dotted keys, values as `str` shows them, without passwords, cut."""
    return [(key(name), _text(str(value), PARAM_LENGTH)) for name, value in flatten(tree).items()]


def tags(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the (key, value) pairs of tags: without passwords, cut."""
    return [(key(name), _text(str(value), TAG_LENGTH)) for name, value in labels.items()]


def origin(parent: str | None) -> dict[str, str]:
    """Return the tags of a new run that say who started it, from what, and as a part of which run."""
    found = {"mlflow.user": _user(), "mlflow.source.name": sys.argv[0] or "<console>", "mlflow.source.type": "LOCAL"}
    if commit := provenance.commit(root()):
        found["mlflow.source.git.commit"] = commit
    if parent is not None:
        found["mlflow.parentRunId"] = parent
    return found


def splits(name: str, digest: str, source: str, sizes: Mapping[str, int]) -> list[Split]:
    """Return what is recorded of each split of a data set; the arguments are those of `Run.log_dataset`."""
    origin_in_words = json.dumps({"uri": mask(source)}, ensure_ascii=False)
    found = []
    for split, size in sizes.items():
        # MLflow takes inputs of equal name and digest for one and the same, and keeps the first.
        own_digest = f"{digest[: DIGEST_LENGTH - 1 - len(split)]}-{split}"
        profile = json.dumps({"num_rows": size, "digest_of_all_splits": digest})
        found.append(Split(name, own_digest, "local", origin_in_words, profile, _CONTEXTS.get(split, split)))
    return found


def is_cut(text: str) -> bool:
    """Tell whether a recorded text is not the whole one."""
    return _CUT.search(text) is not None


@lru_cache(maxsize=1024)  # the runs of a sweep differ in few of their params
def _text(text: str, limit: int) -> str:
    """Return a text without passwords, cut to a length."""
    text = mask(text)
    if len(text) <= limit:
        return text
    mark = f" ... (cut, {len(text):,} characters in all)"
    return text[: limit - len(mark)] + mark


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container whose user has no name
        return "unknown"
