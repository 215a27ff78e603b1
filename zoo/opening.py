"""What a run is, recorded before anything is learnt: choices, data, code, machine."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path

from omegaconf import OmegaConf

from zoo import tracking
from zoo.config import Config
from zoo.data import Splits
from zoo.start import naming
from zoo.tracking import provenance

log = logging.getLogger(__name__)


def describe(
    record: tracking.Run,
    config: Config,
    splits: Splits,
    folder: Path,
    *,
    params: Mapping[str, int],
    tags: Mapping[str, str],
    about: str,
) -> None:
    """Write what a run is to its record and its folder.

    Args:
        record: Of the run, just opened.
        config: The run's.
        splits: The data.
        folder: For the run's files.
        params: To be recorded beside the config.
        tags: To be set beside those of the choices.
        about: What learns, in a sentence.
    """
    write_config(config, folder)
    environment = {**provenance.versions(), **provenance.machine()}
    (folder / "environment.json").write_text(json.dumps(environment, indent=2) + "\n", encoding="utf-8")
    if diff := provenance.diff(tracking.root()):
        (folder / "diff.patch").write_text(diff, encoding="utf-8")
    record.log_params({**config.tree(), **params})
    record.set_tags({**naming.tags(config), **tags})
    sizes = {name: len(getattr(splits, name)) for name in ("train", "valid", "test")}
    record.log_dataset(splits.name, splits.digest, splits.source, sizes)
    record.log_artifact(folder / "config.yaml")
    unit = "tokens" if splits.spec.kind == "tokens" else "examples"
    counts = f"{sizes['train']:,} {unit} to train, {sizes['valid']:,} to validate, {sizes['test']:,} to test"
    log.info(f"{splits.name}: {counts} ({splits.source}).")
    for note in splits.notes:
        log.info(note)
    log.info(f"{record.name}: {about} Run {record.id or 'not tracked'}.")


def write_config(config: Config, folder: Path) -> None:
    """Write the resolved config, and the user's own words beside it, without passwords of addresses."""
    for name, content in (("config.yaml", config.tree()), ("overrides.yaml", list(config.overrides))):
        (folder / name).write_text(tracking.mask(OmegaConf.to_yaml(OmegaConf.create(content))), encoding="utf-8")
