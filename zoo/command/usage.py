"""What the command tells instead of training: `--help`, `--cfg job` and `--version`."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from platform import python_version

from omegaconf import OmegaConf

from zoo.config import BadInput, Config, flatten, unknown
from zoo.config import shown as words
from zoo.start import grid, keys, options, overrides, search_settings

EXAMPLES = """\
Train a model of the zoo and track the run in MLflow.

  {command}                                    the default model on its default data
  {command} model=lstm optimizer=adam          choose; every group goes with every other
  {command} model=xor_mlp model.hidden=[4]     set any key
  {command} -m model=rnn,gru,lstm seed=0,1,2   one run for each combination, and an answer
  {command} sweep=optimizers model=xor_mlp     a sweep by name
  {command} search=tpe 'search.space={{optimizer.learning_rate: [1e-5, 1e-1, log]}}'   a search between two ends
  {command} model=lstm --cfg job               show the whole config and stop
  {command} model=lstm optimizer=adam --help   explain the keys of these options
"""
SETTINGS = {
    "lr_scale": "multiplies each optimizer's own learning rate: sweep.lr_scale=0.1,1,10",
    "paired": "keys whose values go side by side: sweep.paired=[optimizer,optimizer.learning_rate]",
    "keep": "whose models are kept: best (of each choice) | all | none",
    "vectorize": "train small runs of one shape together as one program: auto | true | false",
    "resume": "the id of a sweep: run what has not ended, and add to it",
}
FLAGS = """\
Flags:
  -m, --multirun      train each combination of values: a=1,2  a=range(5)  optimizer=glob(ada*)
  -c, --cfg job       show the composed config and stop; --package model shows a part of it
  -cd, --config-dir   a folder with option files of your own: optimizer/mine.yaml, experiment/mine.yaml, ...
  -sc install=bash    print the shell completion (bash, zsh): eval "$({command} -sc install=bash)"
  -i, --info          how Hydra composes the config; --hydra-help tells what else it can do
  --version           the versions of the zoo and of what it stands on
"""


def of(words: Sequence[str], command: str) -> str:
    """Return what `--help` prints: all that can be chosen, or the keys of the options that the words choose.

    Args:
        words: Of the command line.
        command: What the user typed, such as `python train.py`.

    Raises:
        BadInput: A word cannot be understood.
    """
    said = overrides.read(words)
    if said.mistakes:
        raise BadInput(" ".join(said.mistakes))
    chosen = {group: option for group, option in said.choices.items() if option is not None}
    return _explained(chosen) if chosen else _overview(command)


def shown(config: Config, part: str | None = None) -> str:
    """Return a config as YAML, as the run would record it.

    Args:
        config: The checked config.
        part: A key or a section of it, such as `model`.

    Raises:
        BadInput: There is no such part.
    """
    tree = config.tree()
    found = keys.get(tree, part) if part else tree
    if found is keys.ABSENT:
        raise BadInput(unknown(str(part), [*flatten(tree), *tree]))
    if not isinstance(found, Mapping):
        return words(found)
    return OmegaConf.to_yaml(OmegaConf.create(dict(found))).rstrip()


def versions() -> str:
    """Return the versions of the zoo and of what it stands on, without importing any of it."""
    names = ["keras-model-zoo", "tensorflow", "keras", "mlflow", "hydra-core"]
    return "\n".join([*(f"{name} {_version(name)}" for name in names), f"Python {python_version()} ({sys.executable})"])


def _overview(command: str) -> str:
    """Return every group, every option and every key at the root, a line on each."""
    lines = [EXAMPLES.format(command=command)]
    for group, names in options.groups().items():
        usual = "the model's" if group in ("data", "optimizer") else options.default(group)
        lines.append(f"{group}=" + (f"   (default: {usual})" if usual else ""))
        width = max(18, *(len(name) + 1 for name in names))
        lines += [f"  {name:<{width}}{options.summary(group, name)}" for name in names]
        lines.append("")
    lines.append("sweep=   many runs under one parent, and one answer; other words about the same keys win")
    lines += [f"  {name:<20}{options.summary(grid.GROUP, name)}" for name in grid.presets()]
    lines += [f"  {f'sweep.{key}':<20}{line}" for key, line in SETTINGS.items()]
    lines += ["", "search=   trials at values that a sampler chooses, hopeless ones pruned, and the best tested"]
    lines += [f"  {name:<20}{options.summary('search', name)}" for name in search_settings.names()]
    lines += [f"  {line}" for line in _search_keys()]
    lines += ["", "Keys at the root:"]
    lines.append("  epochs, batch_size (a number or full): the model's file says how many")
    lines += [f"  {line}" for line in _keys("", "early_stopping", "stop", "checkpoint")]
    lines += ["", FLAGS.format(command=command)]
    return "\n".join(lines).rstrip()


def _explained(choices: Mapping[str, str]) -> str:
    """Return the files of some options, whose comments explain their keys."""
    texts = []
    for group, option in choices.items():
        path = options.file(group, option)
        assert path is not None
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("# @")]
        if shared := list(_keys(group)):
            lines += ["", f"# every {group} also takes:", *shared]
        texts.append(f"{group}={option}   ({path})\n" + "\n".join(f"  {line}".rstrip() for line in lines))
    return "\n\n".join(texts)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"


def _search_keys() -> Iterator[str]:
    """Yield a line on each setting of a search, as the file of its default explains it."""
    path = options.file(search_settings.GROUP, search_settings.DEFAULT)
    for line in path.read_text(encoding="utf-8").splitlines() if path else []:
        if found := re.match(r"(\w+): *[^#]*# (.*)$", line):
            yield f"{f'search.{found[1]}':<20}{found[2]}"


def _keys(*sections: str) -> Iterator[str]:
    """Yield a line on each key of the primary config in these sections; "" is its root."""
    section = note = ""
    for line in (options.conf_dir() / "config.yaml").read_text(encoding="utf-8").splitlines():
        found = re.match(r"(?P<indent> *)(?P<key>\w+): *(?P<value>[^#]*?) *(?:# (?P<comment>.*))?$", line)
        if found is None:
            continue
        if not found["indent"]:
            section = "" if found["value"] else found["key"]
        if found["value"] and section in sections:
            key = f"{section}.{found['key']}" if section else found["key"]
            value = "..." if "$" in found["value"] else found["value"]
            yield f"{f'{key}={value}':<42}{found['comment'] or note}".rstrip()
        note = (found["comment"] or "") if section and not found["indent"] else ""
