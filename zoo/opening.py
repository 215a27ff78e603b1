"""What a run is, recorded before anything is learnt: choices, data, code, machine."""

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path

from omegaconf import OmegaConf

from zoo import tracking
from zoo.config import Config
from zoo.data import Splits
from zoo.start import naming
from zoo.tracking import provenance
from zoo.training.checkpoint_files import CheckpointFolder

log = logging.getLogger(__name__)

CHECKPOINTS = "checkpoints"  # a folder among the files of a run


def open_record(
    store: tracking.Store, config: Config, parent: str | None, tags: Mapping[str, str], folder: Path | None
) -> tuple[tracking.Run, Path, CheckpointFolder]:
    """Open the record of a run, a new one or that of a run that goes on.

    Args:
        store: Where it is kept.
        config: The run's.
        parent: The id of the sweep that it is a part of.
        tags: That it gets besides its own.
        folder: For the run's files; where it is left out, that of before, or a new one under outputs/.

    Returns:
        The record, the folder of the run's files, and its checkpoints. They stay where the record's artifacts are, or
        among the run's files where those are kept by a server; from there they are fetched, if another machine had
        begun the run.
    """
    new = Path(naming.new_folder("outputs"))
    source = tracking.find(config.resume, store.uri) if config.resume is not None else None
    if source is not None:
        before = Path(source.tags.get("folder", ""))
        folder = folder or (before if before.is_absolute() and before.is_dir() else new)
    folder = folder or new
    folder.mkdir(parents=True, exist_ok=True)
    if source is None:
        own = {**naming.tags(config), **tags, "folder": str(folder.absolute())}
        if config.rerun is not None:
            own["rerun_of"] = config.rerun
        record = store.start(naming.name(config), parent, own)
    else:
        record = store.reopen(source)
    checkpoints = CheckpointFolder((record.artifact_folder or folder) / CHECKPOINTS)
    if source is None:
        checkpoints.clear()  # of another run, whose folder was given for this one
    elif not checkpoints.folder.is_dir() and CHECKPOINTS in source.artifacts():
        shutil.copytree(source.download(CHECKPOINTS), checkpoints.folder)
    return record, folder, checkpoints


def describe(
    record: tracking.Run,
    config: Config,
    splits: Splits,
    folder: Path,
    *,
    params: Mapping[str, int],
    about: str,
) -> None:
    """Write what a run is to its record and its folder.

    Args:
        record: Of the run, just opened.
        config: The run's.
        splits: The data.
        folder: For the run's files.
        params: To be recorded beside the config.
        about: What learns, in a sentence.
    """
    write_config(config, folder)
    environment = {**provenance.versions(), **provenance.machine()}
    (folder / "environment.json").write_text(json.dumps(environment, indent=2) + "\n", encoding="utf-8")
    if diff := provenance.diff(tracking.root()):
        (folder / "diff.patch").write_text(diff, encoding="utf-8")
    record.log_params({**config.tree(), **params})
    if config.resume is not None:  # it may be longer now
        record.set_tags(naming.tags(config))
    if config.init_from is not None and record.id is not None:
        source = tracking.find(config.init_from, config.tracking.uri)
        link = f"#/experiments/{source.experiment_id}/runs/{source.id}"
        note = f"Starts from the weights of [{source.name}]({link})."  # MLflow shows it as the run's description
        record.set_tags({"init_from": source.id, "mlflow.note.content": note})
    sizes = {name: len(getattr(splits, name)) for name in ("train", "valid", "test")}
    record.log_dataset(splits.name, splits.digest, splits.source, sizes)
    for name in ("config.yaml", "overrides.yaml"):
        record.log_artifact(folder / name)
    unit = "tokens" if splits.spec.kind == "tokens" else "examples"
    counts = f"{sizes['train']:,} {unit} to train, {sizes['valid']:,} to validate, {sizes['test']:,} to test"
    log.info(f"{splits.name}: {counts} ({splits.source}).")
    for note in splits.notes:
        log.info(note)
    again = "goes on" if config.resume else "not tracked" if record.id is None else record.id
    log.info(f"{record.name}: {about} Run {again}.")


def write_config(config: Config, folder: Path) -> None:
    """Write the resolved config, and the user's own words beside it, without passwords of addresses."""
    for name, content in (("config.yaml", config.tree()), ("overrides.yaml", list(config.overrides))):
        (folder / name).write_text(tracking.mask(OmegaConf.to_yaml(OmegaConf.create(content))), encoding="utf-8")
