"""Choices to a config tree: the one place that has Hydra compose."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict

from zoo.config import SECTIONS, BadInput, shown
from zoo.start import naming, options

Tree = dict[str, Any]
Choices = dict[str, str | None]


class Composer:
    """Composes each set of choices once, however many runs share it; made by `composer`."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], tuple[Tree, Choices]] = {}
        register()

    def compose(self, choices: Choices) -> tuple[Tree, Choices]:
        """Compose the options of some groups with the defaults of all others.

        Args:
            choices: Group by group; None where a run does without.

        Returns:
            The tree, interpolations not resolved, and the option of every group.

        Raises:
            BadInput: A file that takes part is not as it should be.
        """
        words = tuple(f"{group}={name}" for group, name in choices.items() if name is not None)
        if words not in self._known:
            self._known[words] = self._compose(words)
        return self._known[words]

    def of_hydra(self, words: Sequence[str]) -> DictConfig:
        """Return Hydra's own settings as words about them say, such as `hydra/launcher=joblib`.

        Raises:
            BadInput: Hydra does not understand one of them.
        """
        return _by_hydra(words).hydra

    def _compose(self, words: tuple[str, ...]) -> tuple[Tree, Choices]:
        config = _by_hydra(words)
        made = {group: config.hydra.runtime.choices.get(group) for group in options.groups()}
        with open_dict(config):
            del config["hydra"]
        plain = OmegaConf.to_container(config)
        assert isinstance(plain, dict)
        tree = {str(key): value for key, value in plain.items()}
        for group in SECTIONS:
            if not isinstance(tree.get(group), dict):
                raise BadInput(f"A config file says {group}: {shown(tree.get(group))}. Expected keys and values there.")
            # Whatever file an option is based on, it has its own name; that of a schedule is its formula's.
            name = {"name": made[group]}
            tree[group] = name | tree[group] if group == "schedule" else tree[group] | name
        return tree, made


def _by_hydra(words: Sequence[str]) -> DictConfig:
    """Return what Hydra composes of words, its own config included, with its errors in ours."""
    import hydra

    from zoo.start.explain import explain

    try:
        return hydra.compose("config", [search_path(), *words], return_hydra_config=True)
    except Exception as error:
        raise explain(error) from error


@contextmanager
def composer() -> Iterator[Composer]:
    """Have Hydra ready to compose from conf/ and the user's own folders."""
    import hydra
    from hydra.core.global_hydra import GlobalHydra

    # Hydra's state is global: an application of Hydra's that calls the zoo gets its own back.
    before = GlobalHydra.instance().hydra
    GlobalHydra.instance().hydra = None
    try:
        with hydra.initialize_config_dir(str(options.conf_dir()), version_base="1.3"):
            yield Composer()
    finally:
        GlobalHydra.instance().hydra = before


def search_path() -> str:
    """Return the word that tells Hydra of the user's own folders."""
    folders = ("'file://{}'".format(str(folder).replace("'", r"\'")) for folder in options.own_folders())
    return f"hydra.searchpath=[{','.join(folders)}]"


def register() -> None:
    """Give Hydra the function that conf/config.yaml names its folders by."""
    OmegaConf.register_new_resolver("zoo_new_folder", naming.new_folder, use_cache=True, replace=True)
