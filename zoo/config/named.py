"""Classes and functions that a config names: find them, and call them with the arguments they take."""

import importlib
import inspect
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from zoo.config.words import BadInput, nearest


def find(name: str, module: ModuleType, base: type, key: str) -> type:
    """Return the class that `key` names.

    Args:
        name: A class of `module`, such as `Adam`, or the import path of a class of your own.
        module: Where plain names are looked up, such as `keras.optimizers`.
        base: What the class must derive from.
        key: The config key, for error messages.

    Raises:
        BadInput: There is no such class, or it does not derive from `base`.
    """
    if "." in name:
        found = import_path(name, key)
    else:
        known = {n for n, c in vars(module).items() if inspect.isclass(c) and issubclass(c, base) and c is not base}
        if name not in known:
            raise BadInput(
                f"Unknown {key}={name}. {nearest(name, known)} A class of your own is named by its import path."
            )
        found = getattr(module, name)
    if not (inspect.isclass(found) and issubclass(found, base)):
        raise BadInput(f"{key} should name a subclass of {base.__module__}.{base.__name__}. Received: {key}={name}.")
    return found


def import_path(path: str, key: str) -> Any:
    """Return the object at an import path such as `my_package.my_module.MyClass`.

    Raises:
        BadInput: The module cannot be imported or has no such name.
    """
    name_of_module, _, name = path.rpartition(".")
    try:
        module = importlib.import_module(name_of_module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name_of_module}.".startswith(f"{error.name}."):
            raise BadInput(f"{key}={path} cannot be imported: {error}.") from error
        raise BadInput(
            f"{key}={path}: no module named '{error.name}'. Is its folder the current one, or on PYTHONPATH?"
        ) from None
    except ImportError as error:
        raise BadInput(f"{key}={path} cannot be imported: {error}.") from error
    if not hasattr(module, name):
        names = [one for one in vars(module) if not one.startswith("_")]
        raise BadInput(f"{key}={path}: {name_of_module} has no '{name}'. {nearest(name, names)}")
    return getattr(module, name)


def call(function: Callable[..., Any], arguments: Mapping[str, Any], key: str, *positional: Any) -> Any:
    """Return `function(*positional, **arguments)`, with its complaints turned into bad input.

    Raises:
        BadInput: The function takes no such argument, lacks one, or refuses a value.
    """
    accepted = argument_names(function)
    name = getattr(function, "__name__", type(function).__name__)
    for argument in arguments:
        if accepted is not None and argument not in accepted:
            raise BadInput(f"{key}.{argument} is not an argument of {name}. {nearest(argument, accepted)}")
    try:
        return function(*positional, **arguments)
    except BadInput:
        raise
    except (TypeError, ValueError) as error:
        raise BadInput(f"{name} refused its arguments ({key}): {error}") from error


def argument_names(function: Callable[..., Any]) -> set[str] | None:
    """Return the keyword arguments that a function or a class takes, or None if it takes any.

    A class that passes its `**kwargs` on also takes those of its base classes.
    """
    makers: list[Callable[..., Any]] = [function]
    if inspect.isclass(function):
        makers = [vars(cls)["__init__"] for cls in inspect.getmro(function) if "__init__" in vars(cls)]
    names: set[str] = set()
    for maker in makers:
        parameters = inspect.signature(maker).parameters.values()
        names |= {p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)} - {"self"}
        if all(p.kind is not p.VAR_KEYWORD for p in parameters):
            return names
    return names if inspect.isclass(function) else None
