"""How operations declare what parameters they accept. `validation.py` reads a request by it.

A parameter that Stripe has and the sandbox does not model is declared too, and refused by name (`not_modelled.py`):
ignoring it would hide a difference. Types, words and lengths are those of Stripe's description of its API:
https://github.com/stripe/openapi.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import TypeAlias

MAX_TEXT = 5000


class ParameterKind(Enum):
    """How a parameter's text is read."""

    INTEGER = auto()
    FLAG = auto()
    FLAG_OR_CHOICE = auto()
    TEXT = auto()
    CHOICE = auto()
    TEXTS = auto()
    OBJECT = auto()
    RANGE = auto()
    METADATA = auto()
    UNMODELLED = auto()
    REMOVED = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Param:
    """One parameter of an operation."""

    name: str
    kind: ParameterKind
    required: bool = False
    clearable: bool = False
    choices: tuple[str, ...] = ()
    max_length: int = MAX_TEXT
    shape: tuple["Param", ...] = ()
    check: Callable[[str, str], None] | None = None
    """What else a text has to be; raises StripeError (400). It is given the text and the parameter's name."""
    refusal: str = ""
    """What a parameter that was removed from the API is refused with, under the code `<name>_no_longer_supported`."""


Spec: TypeAlias = Mapping[str, Param]


def integer(name: str, *, required: bool = False) -> Param:
    """Return a whole number."""
    return Param(name=name, kind=ParameterKind.INTEGER, required=required)


def flag(name: str, *, required: bool = False) -> Param:
    """Return true or false."""
    return Param(name=name, kind=ParameterKind.FLAG, required=required)


def text(
    name: str,
    *,
    required: bool = False,
    clearable: bool = False,
    max_length: int = MAX_TEXT,
    check: Callable[[str, str], None] | None = None,
) -> Param:
    """Return a text; a clearable one may be sent empty, which unsets it."""
    return Param(
        name=name, kind=ParameterKind.TEXT, required=required, clearable=clearable, max_length=max_length, check=check
    )


def choice(name: str, *choices: str, clearable: bool = False) -> Param:
    """Return one of the given words; a clearable one may be sent empty, which unsets it."""
    return Param(name=name, kind=ParameterKind.CHOICE, choices=choices, clearable=clearable)


def flag_or_choice(name: str, *choices: str) -> Param:
    """Return true or false, or one of the given words, which means true."""
    return Param(name=name, kind=ParameterKind.FLAG_OR_CHOICE, choices=choices)


def texts(name: str, *choices: str, required: bool = False) -> Param:
    """Return a list of texts, of the given words where there are any."""
    return Param(name=name, kind=ParameterKind.TEXTS, choices=choices, required=required)


def nested(name: str, *shape: Param, required: bool = False, clearable: bool = False) -> Param:
    """Return an object with these members; a clearable one may be sent empty, which unsets it."""
    return Param(name=name, kind=ParameterKind.OBJECT, shape=shape, required=required, clearable=clearable)


def between(name: str) -> Param:
    """Return bounds of a number (`gt`, `gte`, `lt`, `lte`), or the number itself; both come out as bounds."""
    return Param(
        name=name, kind=ParameterKind.RANGE, shape=tuple(integer(bound) for bound in ("gt", "gte", "lt", "lte"))
    )


def unmodelled(*names: str) -> tuple[Param, ...]:
    """Return parameters that Stripe knows and the sandbox refuses by name."""
    return tuple(Param(name=name, kind=ParameterKind.UNMODELLED) for name in names)


def removed(name: str, refusal: str) -> Param:
    """Return a parameter that the API had in earlier versions."""
    return Param(name=name, kind=ParameterKind.REMOVED, refusal=refusal)


METADATA = Param(name="metadata", kind=ParameterKind.METADATA, clearable=True)
NEW_METADATA = Param(name="metadata", kind=ParameterKind.METADATA)
"""Of an object that is made: there is none that could be unset."""
EXPAND = texts("expand")


def spec(*params: Param) -> Spec:
    """Return the parameters of an operation; every operation takes `expand`."""
    return MappingProxyType({param.name: param for param in (*params, EXPAND)})
