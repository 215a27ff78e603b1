"""What a run is called and how it is tagged: by the choices that were made."""

from zoo import options
from zoo.config import Config
from zoo.start import parse

UNSAID = ("data_dir", "tracking", "callbacks", "hydra", "name", "debug", "dry_run")


def name(config: Config) -> str:
    """Return the run's name: the model, and each choice that differs from its default.

    Example:
        >>> name(compose("model=lstm", "optimizer=adam", "optimizer.learning_rate=0.01", "seed=3"))
        'lstm learning_rate=0.01 seed=3'
    """
    if config.name:
        return config.name
    brought = options.brought(config.model.name)
    defaults = {"init": "default", "schedule": "constant", "loop": "tape", "seed": 0, **brought}
    parts = [config.model.name]
    for key, value in parse(config.overrides).items():
        if key == "model" or key.split(".")[0] in UNSAID or (key in defaults and defaults[key] == value):
            continue
        if key in options.groups():
            parts.append(str(value))
        else:
            shown = str(value).replace(" ", "")
            parts.append(f"{key.rpartition('.')[2]}={shown}")
    return " ".join(parts)


def tags(config: Config) -> dict[str, str]:
    """Return the choices of a run, to search and compare by."""
    words = parse(config.overrides)
    chosen = {
        "model": config.model.name,
        "data": config.data.name,
        "optimizer": config.optimizer.name,
        "init": config.init.name,
        "schedule": config.schedule.name,
        "loop": config.loop.name,
        "seed": str(config.seed),
        "precision": config.precision,
        "overrides": " ".join(config.overrides),
    }
    if words.get("experiment"):
        chosen["experiment"] = str(words["experiment"])
    return chosen
