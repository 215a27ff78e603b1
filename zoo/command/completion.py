"""Completion in the shell: groups, options, keys and values, from the option files alone.

Hydra's own completes only a script with `@hydra.main` in it, started as `python script.py` from its folder, and
composes a config at each press of the key. This one knows `zoo train` too, and composes nothing.
"""

import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from zoo.config import SECTIONS, BadInput, Config, flatten, shown
from zoo.config.types import choices
from zoo.start import grid, options, search_settings

# `COMP_LINE` up to the cursor goes to the program, which answers with whole words. Where the shell parts words at
# every `=`, what stands before the last one is not to be repeated.
SCRIPT = """\
_zoo_complete()
{{
    COMPREPLY=()
    local line="${{COMP_LINE:0:COMP_POINT}}" candidate
    case "${{COMP_WORDS[0]##*/}}" in
        python*)
            local folder="$(cd -- "$(dirname -- "${{COMP_WORDS[1]}}")" 2>/dev/null && pwd -P)"
            [ "$folder/${{COMP_WORDS[1]##*/}}" = {script} ] || return 0 ;;
    esac
    local word="${{line##* }}"
    local before="${{word%"${{word##*=}}"}}"
    case "$COMP_WORDBREAKS" in *=*) ;; *) before="" ;; esac
    while IFS= read -r candidate; do
        [ -n "$candidate" ] && COMPREPLY+=("${{candidate#"$before"}}")
    done < <(COMP_LINE="$line" {command} -sc query=bash 2>/dev/null)
}}
complete -o nospace -o default -F _zoo_complete {names}"""
NAMES = "python python3 zoo"


def answer(request: str) -> str:
    """Return what `-sc request` prints.

    Args:
        request: `install=bash`, `uninstall=bash`, or `query=bash` with the line to complete in COMP_LINE; zsh runs the
            same script after `autoload -U bashcompinit && bashcompinit`.

    Raises:
        BadInput: The request is none of these.
    """
    action, _, shell = request.partition("=")
    if action not in ("install", "uninstall", "query") or shell not in ("bash", "zsh"):
        raise BadInput(f"-sc expects install=bash, uninstall=bash, install=zsh or uninstall=zsh. Received: {request}.")
    if action == "query":
        return "\n".join(complete(os.environ.get("COMP_LINE", "")))
    if action == "uninstall":
        return f"complete -r {NAMES} 2>/dev/null; unset -f _zoo_complete"
    script = Path(__file__).resolve().parents[2] / "train.py"
    command = f"{shlex.quote(sys.executable)} -m zoo train"
    if script.is_file():
        command = f"{shlex.quote(sys.executable)} {shlex.quote(str(script))}"
    install = SCRIPT.format(script=shlex.quote(str(script)), command=command, names=NAMES)
    return f"autoload -U bashcompinit && bashcompinit\n{install}" if shell == "zsh" else install


def complete(line: str) -> list[str]:
    """Return what the last word of a line may become.

    Args:
        line: Up to the cursor, such as `python train.py model=l`.

    Example:
        >>> complete("zoo train model=l")
        ['model=linear', 'model=lstm']
    """
    folders = [Path(folder).expanduser() for folder in re.findall(r"(?:-cd|--config-dir)[ =]+(\S+) ", line)]
    options.search([folder for folder in folders if folder.is_dir()])
    words = line.split(" ")
    chosen = {
        group: option
        for group, _, option in (word.partition("=") for word in words[:-1])
        if option in options.groups().get(group, [])
    }
    word = words[-1]
    candidates = _verbs(words) or (_values(word, chosen) if "=" in word else _keys(word, chosen))
    return sorted({one for one in candidates if one.startswith(word)})


def _verbs(words: Sequence[str]) -> list[str]:
    return ["train"] if len(words) == 2 and Path(words[0]).name == "zoo" else []


def _keys(word: str, chosen: Mapping[str, str]) -> Iterator[str]:
    """Yield groups and keys; those inside a section once the word has reached it."""
    section, point, _ = word.partition(".")
    if point:
        yield from (f"{key}=" for key in _defaults(section, chosen))
        return
    yield from (f"{group}=" for group in (*options.groups(), grid.GROUP, search_settings.GROUP))
    for key in Config.model_fields:
        yield f"{key}." if key in options.groups() or _fields(key) else f"{key}="


def _values(word: str, chosen: Mapping[str, str]) -> Iterator[str]:
    key, _, begun = word.partition("=")
    section, _, own = key.rpartition(".")
    if key in options.groups():
        words = options.groups()[key]
    elif key == grid.GROUP:
        words = grid.presets()
    elif key == search_settings.GROUP:
        words = search_settings.names()
    else:
        field = (_fields(section) if section else Config.model_fields).get(own)
        default = _defaults(section, chosen).get(key)
        words = choices(field.annotation) if field else []
        if not words or words == ["null"]:  # where nothing is proposed, the shell completes file names
            words = [] if default is None or "$" in str(default) else [shown(default)]
    before = begun[: begun.rfind(",") + 1]  # of several values, the last is completed
    yield from (f"{key}={before}{one}" for one in words)


def _fields(section: str) -> Mapping[str, FieldInfo]:
    """Return the typed keys of a section."""
    if section == search_settings.GROUP:
        return search_settings.Settings.model_fields
    found = SECTIONS.get(section) or (
        Config.model_fields[section].annotation if section in Config.model_fields else None
    )
    return getattr(found, "model_fields", {})


def _defaults(section: str, chosen: Mapping[str, str]) -> dict[str, Any]:
    """Return the keys of a section, dotted, or of the root, with their defaults."""
    if not section:
        return options.primary()
    if section == search_settings.GROUP:
        return {f"{section}.{key}": value for key, value in options.declared(section, search_settings.DEFAULT).items()}
    option = options.chosen(chosen).get(section)
    tree = options.declared(section, option) if option else options.primary().get(section)
    return {key: value for key, value in flatten({section: tree or {}}).items() if key != f"{section}.name"}
