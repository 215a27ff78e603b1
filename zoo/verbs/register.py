"""`zoo register`: puts the model of a run into MLflow's registry."""

from collections.abc import Mapping
from typing import Any

from zoo import kept, served, terminal
from zoo.tracking import registry
from zoo.verbs.words import RUN, TRACKING_URI, Grammar, Key

GRAMMAR = Grammar(
    "register",
    "Puts the model of a run into MLflow's registry as a new version of a name. That is done once:\n"
    "said again, the version of before gets the alias.",
    ("last name=digits alias=champion", "run=\"best:tags.model = 'lstm'\" name=kjv"),
    (
        RUN,
        Key(
            "name",
            "NAME",
            "what the model is called there; made if it is new",
            registry.check_name,
            required=True,
        ),
        Key("alias", "ALIAS", "what stands for this version from now on, such as champion", registry.check_alias),
        TRACKING_URI,
    ),
    "From then on, models:/NAME@ALIAS names the run wherever a run is named.",
)


def main(said: Mapping[str, Any]) -> int:
    """Register the model and return the exit code.

    Raises:
        BadInput: There is no such run, it kept no model, or MLflow does not take the name.
    """
    found = kept.find(said["run"], said["tracking.uri"])
    model = registry.logged(found.run) or registry.log(
        found.run, lambda folder, model_id: served.save(found, folder, model_id)
    )
    done = registry.register(found.run, model, said["name"], said["alias"])
    what = "is now" if done.is_new else "was already"
    alias = f", {said['alias']}" if said["alias"] else ""
    by = f"@{said['alias']}" if said["alias"] else f"/{done.version}"
    terminal.console().print(
        f"Run {found.run.id} ({found.run.name}) {what} version {done.version} of {done.name}{alias}: "
        f"models:/{done.name}{by}",
        markup=False,
    )
    return 0
