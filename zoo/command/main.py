"""The command behind `python train.py` and `zoo train`: what is asked for, the run or the runs, and one exit code.

Nothing heavy is imported before the config has been checked, and nothing is made: no folder, no database. Hydra's own
main serves where the words are about Hydra itself, such as `hydra/launcher=joblib` or `--info`.
"""

import argparse
import contextlib
import dataclasses
import math
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from zoo import collector
from zoo.command import flags
from zoo.config import BadInput
from zoo.start import importing, options
from zoo.tracking.address import mask

if TYPE_CHECKING:
    from omegaconf import DictConfig

BAD_INPUT = 2
LONGEST = 4000  # characters of what is said about it


def main() -> int:
    """Do what the command line asks for and return the exit code: see the table in zoo/outcome.py."""
    importing.from_current_folder()
    collector.end_quickly()
    try:
        asked, words = flags.parse(sys.argv[1:])
        options.search(asked.config_dir)
        return _serve(asked, words)
    except BadInput as error:
        return refuse(error)


def refuse(error: BadInput) -> int:
    """Print what is wrong with the input, in one paragraph, and return the exit code.

    What was received is part of it, and may be anything: passwords, a page of text, or signs that a terminal obeys.
    """
    words = mask(" ".join(str(error).split()))
    if len(words) > LONGEST:
        words = f"{words[: LONGEST // 2]} ... {words[-LONGEST // 2 :]}"
    print(f"zoo: {''.join(one if one.isprintable() else ascii(one)[1:-1] for one in words)}", file=sys.stderr)
    return BAD_INPUT


def _serve(asked: argparse.Namespace, words: list[str]) -> int:
    from zoo.command import usage
    from zoo.start import command_line, compose, grid, overrides, search_settings

    by_hydra = any(map(overrides.is_hydras, words))
    if asked.version:
        print(usage.versions())
    elif asked.shell_completion:
        from zoo.command import completion

        print(completion.answer(" ".join(words)))
    elif asked.help:
        print(usage.of(words, command_line.program()))
    elif asked.info or asked.hydra_help or asked.cfg in ("hydra", "all"):
        return _run_by_hydra(asked, words)
    elif asked.cfg:
        print(usage.shown(compose(*words), asked.package))
    elif any(map(search_settings.is_about, words)):
        return _search(asked, words)
    elif asked.multirun or grid.is_sweep(words):
        return _sweep(asked, words)
    else:
        config = compose(*words)
        if by_hydra:
            return _run_by_hydra(asked, words)
        from zoo.run import run

        return run(config).exit_code
    return 0


def _sweep(asked: argparse.Namespace, words: list[str]) -> int:
    """Run every combination of values, and return the exit code of all: 0 also where a run diverged."""
    from zoo.start import grid, overrides

    hydras = [word for word in words if overrides.is_hydras(word)]
    if any("hydra/sweeper" in word for word in hydras):  # it makes up the words of each run
        print("zoo: A sweeper of Hydra's makes runs of their own, without a parent run or an answer.", file=sys.stderr)
        return _run_by_hydra(asked, words)
    table = grid.read([word for word in words if word not in hydras])
    if any(cell.config.dry_run for cell in table.cells):
        print(table.listing())
        return 0
    cluster, folder = None, None
    if hydras:
        from zoo.start import launcher

        cluster, folder = launcher.read(hydras)  # before anything is recorded
        if cluster is None:
            from zoo.sweeps import launched

            asked.multirun = True
            return launched.launch(table, lambda own: _run_by_hydra(asked, [*own, *hydras]))
        table = dataclasses.replace(table, words=(*table.words, *hydras))  # it goes on in the same place
    from zoo.sweeps.execute import execute

    return execute(table, folder=Path(folder) if folder else None, launcher=cluster).exit_code


def _search(asked: argparse.Namespace, words: list[str]) -> int:
    """Search for the best values, and return the exit code of all trials: 0 also where one diverged or was pruned."""
    from zoo.start import overrides, search

    if hydras := [word for word in words if overrides.is_hydras(word)]:
        raise BadInput(f"A search makes its trials itself, one after another. Leave out {hydras[0]}.")
    if asked.multirun:
        raise BadInput("A search makes up its own runs, and needs no -m. Leave it out.")
    found = search.read(words)
    if found.config.dry_run:
        print(found.listing())
        return 0
    from zoo.sweeps.search import execute

    return execute(found).exit_code


def _in_multirun(exit_code: int) -> int:
    return 0 if exit_code == 3 else exit_code


def _run_by_hydra(asked: argparse.Namespace, words: list[str]) -> int:
    """Let Hydra's own main do what was asked for, with its folders, launchers and sweepers."""
    import hydra
    from hydra.core.hydra_config import HydraConfig
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from zoo.start import compose, composer
    from zoo.start.explain import explain

    folders, process = options.own_folders(), os.getpid()
    exit_codes: list[int] = []

    begun = False

    def job(tree: "DictConfig") -> float:
        nonlocal begun
        begun = True
        options.search(folders)
        settings = HydraConfig.get()
        folder = Path(settings.runtime.output_dir)
        config = None
        from zoo.sweeps import launched

        try:
            config = compose(*settings.overrides.task)
            if launched.has_ended(config):
                exit_codes.append(0)
                return math.nan
            from zoo.run import run

            result = run(config, folder=folder, within=launched.within(config))
        except Exception as error:
            recorded = config is not None and launched.fail(config, error)
            with contextlib.suppress(OSError):
                folder.rmdir()  # unless a run has begun there
            if not recorded and (os.getpid() != process or not isinstance(error, BadInput)):
                raise
            if isinstance(error, BadInput):
                exit_codes.append(refuse(error))
            else:
                print(mask(traceback.format_exc()), file=sys.stderr)
                exit_codes.append(1)
            return math.nan
        exit_codes.append(_in_multirun(result.exit_code) if asked.multirun else result.exit_code)
        return result.target

    composer.register()
    # Hydra prints an error of its own and exits with 1; with this it raises, and the error is ours to explain.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    job.__module__ = "__main__"
    sys.argv[1:] = [*words, composer.search_path(), *flags.for_hydra(asked)]
    try:
        hydra.main(version_base="1.3", config_path=str(options.conf_dir()), config_name="config")(job)()
    except Exception as error:  # what Hydra raises for words that it does not understand is not always its own
        if begun and not isinstance(error, HydraException | OmegaConfBaseException):
            raise
        raise explain(error) from None
    return max(exit_codes, default=0)
