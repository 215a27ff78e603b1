"""The types of values, each with the words in which an error says what was expected."""

import re
import types
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from zoo.config.words import either


@dataclass(frozen=True)
class Means:
    """The words for a type.

    Attributes:
        one: For one value: `a number above 0`.
        many: For those in a list: `numbers above 0`.
    """

    one: str
    many: str = ""


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError
    return value


def _whole(value: Any) -> Any:
    """Take 1e3 for 1000."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _text(value: Any) -> Any:
    """Take a name such as 2024 for text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _is(condition: Callable[[Any], Any]) -> AfterValidator:
    def check(value: Any) -> Any:
        if not condition(value):
            raise ValueError
        return value

    return AfterValidator(check)


def _is_address(value: str) -> bool:
    """Tell an unknown kind of store; whatever else is wrong with an address, zoo.tracking.address says."""
    scheme, separator, _ = value.partition("://")
    if not separator or scheme.partition("+")[0] in _STORES:
        return True
    return scheme in {one.name for one in entry_points(group="mlflow.tracking_store")}


def _is_pattern(value: str) -> bool:
    try:
        re.compile(value)
    except re.error:
        return False
    return True


TOO_LARGE = 2**63  # for the integers of NumPy, TensorFlow and databases
_STORES = {"sqlite", "postgresql", "mysql", "mssql", "http", "https", "file", "databricks", "databricks-uc", "uc"}

Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False), Means("a number", "numbers")]
Positive = Annotated[Number, Field(gt=0), Means("a number above 0", "numbers above 0")]
NonNegative = Annotated[Number, Field(ge=0), Means("a number of at least 0")]
Negative = Annotated[Number, Field(lt=0), Means("a number below 0")]
Fraction = Annotated[Number, Field(ge=0, lt=1), Means("a number of at least 0 and below 1")]
Inside = Annotated[Number, Field(gt=0, lt=1), Means("a number between 0 and 1")]
Share = Annotated[Number, Field(ge=0, le=1), Means("a number from 0 to 1")]
AtLeastOne = Annotated[Number, Field(ge=1), Means("a number of at least 1")]
AboveOne = Annotated[Number, Field(gt=1), Means("a number above 1")]
Held = Annotated[
    Positive, _is(lambda v: v < 1 or v == int(v)), Means("a whole number of examples, or a fraction below 1")
]

Whole = Annotated[int, BeforeValidator(_whole)]
Size = Annotated[Whole, Field(gt=0, lt=TOO_LARGE), Means("a whole number above 0", "whole numbers above 0")]
Count = Annotated[
    Whole, Field(ge=0, lt=TOO_LARGE), Means("a whole number of at least 0", "whole numbers of at least 0")
]
Several = Annotated[Whole, Field(ge=2, lt=TOO_LARGE), Means("a whole number of at least 2")]
# numpy.random.seed takes no more.
Seed = Annotated[Whole, Field(ge=0, lt=2**32), Means("a whole number from 0 to 4294967295")]

Text = Annotated[str, BeforeValidator(_text), Means("text")]
# What a terminal shows as it is: no signs that it obeys, and none that turn the direction of the text.
Line = Annotated[Text, _is(str.isprintable), Means("a line of printable text")]
Pattern = Annotated[str, _is(_is_pattern), Means("a regular expression", "regular expressions")]
Address = Annotated[
    Text,
    _is(_is_address),
    Means("the address of a database or a server, such as sqlite:///mlflow.db or http://127.0.0.1:5000"),
]
ImportPath = Annotated[
    str,
    _is(re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+").fullmatch),
    Means("an import path such as my_package.my_module.name", "import paths such as my_package.my_module.name"),
]
Activation = Literal[
    "linear", "sigmoid", "hard_sigmoid", "tanh", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu",
    "swish", "mish", "softplus", "softsign", "exponential",
]  # fmt: skip


def expected(kind: Any) -> str:
    """Return what a type expects, in words.

    Example:
        >>> expected(Size | Literal["full"])
        'a whole number above 0 or full'
    """
    if means := _means(kind):
        return means.one
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return expected(arguments[0])
    if origin in (Union, types.UnionType):
        words = either(expected(one) for one in arguments if one is not type(None))
        return f"{words}, or null" if type(None) in arguments else words
    if origin is Literal:
        return either(arguments)
    if origin is list:
        means = _means(arguments[0])
        return f"a list of {means.many}" if means and means.many else f"a list of {expected(arguments[0])}"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return f"a group of keys ({', '.join(kind.model_fields)})"
    return {bool: "true or false", str: "text", type(None): "null"}.get(kind, "something else")


def choices(kind: Any) -> list[str]:
    """Return the words that a type takes, such as `fit` and `tape`; those in a list of it included."""
    if kind is bool:
        return ["true", "false"]
    if kind is type(None):
        return ["null"]
    if get_origin(kind) is Literal:
        return list(get_args(kind))
    words = [word for one in get_args(kind) if not isinstance(one, Means) for word in choices(one)]
    return list(dict.fromkeys(words))  # a word may be taken alone and in a list


def entry(kind: Any) -> Any:
    """Return the type of the entries where a type takes a list, or None."""
    if get_origin(kind) is list:
        return get_args(kind)[0]
    branches = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else ()
    return next((found for one in branches if (found := entry(one)) is not None), None)


def _means(kind: Any) -> Means | None:
    found = [one for one in get_args(kind) if isinstance(one, Means)] if get_origin(kind) is Annotated else []
    return found[-1] if found else None
