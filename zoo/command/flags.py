"""The flags of `python train.py`: Hydra's, between the words or around them, and none that a run could not honour."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from zoo.config import BadInput, Config, nearest
from zoo.start import options

INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadInput(f"Can't read the flags: {message}. See --help.")


def parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Return the flags of a command line and its words, such as `model=lstm`, in their order.

    Raises:
        BadInput: A flag is unknown or lacks its value.
    """
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--version", action="store_true")
    parser.add_argument("-r", "--run", action="store_true")
    parser.add_argument("-m", "--multirun", action="store_true")
    parser.add_argument("-c", "--cfg", choices=["job", "hydra", "all"])
    parser.add_argument("-p", "--package")
    parser.add_argument("--resolve", action="store_true")
    parser.add_argument("-cd", "--config-dir", type=Path, action="append", default=[])
    parser.add_argument("-i", "--info", nargs="?", const="all")
    parser.add_argument("-sc", "--shell-completion", action="store_true")
    parser.add_argument("--hydra-help", action="store_true")
    asked, words = parser.parse_known_args(list(arguments))
    if asked.info and "=" in asked.info:  # a word that follows the bare flag
        words.insert(0, asked.info)
        asked.info = "all"
    if asked.info and asked.info not in INFO:
        raise BadInput(f"Unknown --info '{asked.info}'. {nearest(asked.info, INFO)}")
    if (asked.package or asked.resolve) and not asked.cfg:
        raise BadInput("--package and --resolve go with --cfg job, which shows the config.")
    known = [flag for action in parser._actions for flag in action.option_strings]
    if unknown := [_unknown(word, known) for word in words if word.startswith("-")]:
        raise BadInput(" ".join(unknown))
    return asked, words


def for_hydra(asked: argparse.Namespace) -> list[str]:
    """Return the flags that Hydra's own main is to see."""
    given = {"--info": asked.info, "--cfg": asked.cfg, "--package": asked.package}
    words = [word for flag, value in given.items() if value for word in (flag, value)]
    switches = {"--multirun": asked.multirun, "--resolve": asked.resolve, "--hydra-help": asked.hydra_help}
    return [*words, *(flag for flag, given in switches.items() if given)]


def _unknown(word: str, known: Sequence[str]) -> str:
    flag, _, value = word.partition("=")
    key = flag.lstrip("-").replace("-", "_")
    if key in options.groups() or key in Config.model_fields or "." in key:
        return f"Unknown flag '{flag}'. Keys are set without dashes: {key}={value or '...'}."
    return f"Unknown flag '{flag}'. {nearest(flag, known)}"
