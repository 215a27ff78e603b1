"""Hydra's errors in our words. What the user types is checked before; this is about the files that take part."""

from zoo.config import BadInput, nearest
from zoo.start import options


def explain(error: BaseException) -> BadInput:
    """Return an error of Hydra's, met while composing, in our words."""
    from hydra.errors import MissingConfigException
    from yaml import YAMLError

    message = " ".join(str(error).split())
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, option = str(error.missing_cfg_file).rpartition("/")
        if names := options.groups().get(group):
            return BadInput(f"A config file asks for {group}={option}, which does not exist. {nearest(option, names)}")
    if isinstance(error, YAMLError):
        return BadInput(f"A config file is not valid YAML: {message}.")
    if cause := error.__cause__:
        message = f"{message} {' '.join(str(cause).split())}"
    return BadInput(f"Can't compose the config: {message.strip().rstrip('.')}.")
