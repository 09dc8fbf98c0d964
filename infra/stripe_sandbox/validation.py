"""The typed values of a request's parameters, as its operation declares them (`params.py`).

Unknown, missing and malformed parameters are refused with Stripe's texts, before anything is done; those inside objects
as well.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from infra.stripe_sandbox.errors import invalid_parameter
from infra.stripe_sandbox.forms import Form, FormValue
from infra.stripe_sandbox.json_types import JsonObject
from infra.stripe_sandbox.metadata import MetadataChange, parse_metadata
from infra.stripe_sandbox.not_modelled import not_modelled
from infra.stripe_sandbox.params import Param, ParameterKind, Spec

_INTEGER_DIGITS = 18

Value: TypeAlias = "int | bool | str | list[str] | JsonObject | MetadataChange | None"


class Params:
    """The validated parameters of one request. A parameter that was sent empty to unset it is present and None."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def integer(self, name: str) -> int | None:
        """Return a whole number, or None."""
        value = self._values.get(name)
        assert value is None or isinstance(value, int)
        return value

    def required_integer(self, name: str) -> int:
        """Return a whole number that the operation's spec requires."""
        value = self.integer(name)
        assert value is not None
        return value

    def text(self, name: str) -> str | None:
        """Return a text or a choice, or None."""
        value = self._values.get(name)
        assert value is None or isinstance(value, str)
        return value

    def required_text(self, name: str) -> str:
        """Return a text that the operation's spec requires."""
        value = self.text(name)
        assert value is not None
        return value

    def flag(self, name: str) -> bool:
        """Return a flag; one that was not sent is false."""
        value = self._values.get(name)
        assert value is None or isinstance(value, bool)
        return bool(value)

    def texts(self, name: str) -> list[str]:
        """Return a list of texts; one that was not sent is empty."""
        value = self._values.get(name)
        assert value is None or isinstance(value, list)
        return value or []

    def object(self, name: str) -> JsonObject | None:
        """Return an object, or None."""
        value = self._values.get(name)
        assert value is None or isinstance(value, dict)
        return value

    def text_or(self, name: str, otherwise: str | None) -> str | None:
        """Return a text, None when it was sent empty, or what there was when it was not sent."""
        return self.text(name) if name in self else otherwise

    def word_or(self, name: str, otherwise: str) -> str:
        """Return a text that cannot be unset, or what there was when it was not sent."""
        return self.text(name) or otherwise

    def integer_or(self, name: str, otherwise: int) -> int:
        """Return a whole number, or what there was when it was not sent."""
        value = self.integer(name)
        return otherwise if value is None else value

    def object_or(self, name: str, otherwise: JsonObject | None) -> JsonObject | None:
        """Return an object, or what there was when it was not sent."""
        return self.object(name) if name in self else otherwise

    def metadata(self) -> MetadataChange:
        """Return what the request does to the metadata."""
        value = self._values.get("metadata")
        return value if isinstance(value, MetadataChange) else MetadataChange()


def validate(accepted: Spec, form: Form) -> Params:
    """Return the typed parameters. Raises StripeError (400) for the first thing that is wrong with them."""
    _refuse_unknown(accepted, form, prefix="")
    values = {name: _parse(accepted[name], value, name) for name, value in form.items()}
    for param in accepted.values():
        if param.required and param.name not in values:
            raise invalid_parameter(
                f"Missing required param: {param.name}.", param=param.name, code="parameter_missing"
            )
    return Params(values)


def _refuse_unknown(accepted: Iterable[str], form: Iterable[str], *, prefix: str) -> None:
    unknown = [f"{prefix}[{name}]" if prefix else name for name in form if name not in accepted]
    if unknown:
        noun = "parameter" if len(unknown) == 1 else "parameters"
        raise invalid_parameter(
            f"Received unknown {noun}: {', '.join(unknown)}", param=unknown[0], code="parameter_unknown"
        )


def _parse(param: Param, value: FormValue, path: str) -> Value:
    if param.kind is ParameterKind.UNMODELLED:
        raise not_modelled(f"the parameter {path}", param=path)
    if param.kind is ParameterKind.REMOVED:
        raise invalid_parameter(param.refusal, param=path, code=f"{param.name}_no_longer_supported")
    if param.kind is ParameterKind.METADATA:
        return _metadata(param, value, path)
    if value == "":
        _check_clearable(param, path)
        return None
    if param.kind is ParameterKind.TEXTS:
        return _texts(param, value, path)
    if param.kind is ParameterKind.RANGE and isinstance(value, str):
        number = _integer(value, path)
        return {"gte": number, "lte": number}
    if param.kind in {ParameterKind.OBJECT, ParameterKind.RANGE}:
        return _object(param, value, path)
    if not isinstance(value, str):
        raise invalid_parameter("Invalid string", param=path)
    return _scalar(param, value, path)


def _scalar(param: Param, value: str, path: str) -> Value:
    if param.kind is ParameterKind.INTEGER:
        return _integer(value, path)
    if param.kind is ParameterKind.FLAG or (param.kind is ParameterKind.FLAG_OR_CHOICE and value not in param.choices):
        return _flag(value, path)
    if param.kind is ParameterKind.FLAG_OR_CHOICE:
        return True
    if param.kind is ParameterKind.CHOICE:
        _check_word(param, value, path)
    _check_length(value, path, param.max_length)
    if param.check is not None:
        param.check(value, path)
    return value


def _check_word(param: Param, value: str, path: str) -> None:
    if value not in param.choices:
        raise invalid_parameter(f"Invalid {path}: must be one of {_enumerated(param.choices)}", param=path)


def _check_length(value: str, path: str, most: int) -> None:
    if len(value) > most:
        raise invalid_parameter(
            f"Invalid string: {value[:10]}...{value[-10:]}; must be at most {most} characters", param=path
        )


def _check_clearable(param: Param, path: str) -> None:
    if not param.clearable:
        raise invalid_parameter(
            f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a parameter; "
            f"however '{path}' cannot be unset. You should remove '{path}' from your request or supply a non-empty "
            "value.",
            param=path,
            code="parameter_invalid_empty",
        )


def _integer(value: str, path: str) -> int:
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _INTEGER_DIGITS:
        raise invalid_parameter(f"Invalid integer: {value}", param=path, code="parameter_invalid_integer")
    return int(value)


def _flag(value: str, path: str) -> bool:
    if value not in {"true", "false"}:
        raise invalid_parameter(f"Invalid boolean: {value}", param=path)
    return value == "true"


def _texts(param: Param, value: FormValue, path: str) -> list[str]:
    if not isinstance(value, list):
        raise invalid_parameter("Invalid array", param=path)
    entries = [entry for entry in value if isinstance(entry, str)]
    if len(entries) != len(value):
        raise invalid_parameter("Invalid string", param=path)
    for index, entry in enumerate(entries):
        if param.choices:
            _check_word(param, entry, f"{path}[{index}]")
        _check_length(entry, f"{path}[{index}]", param.max_length)
    return entries


def _metadata(param: Param, value: FormValue, path: str) -> MetadataChange:
    if value == "":
        _check_clearable(param, path)
    return parse_metadata(value)


def _object(param: Param, value: FormValue, path: str) -> JsonObject:
    if not isinstance(value, dict):
        raise invalid_parameter("Invalid object", param=path)
    members = {member.name: member for member in param.shape}
    _refuse_unknown(members, value, prefix=path)
    parsed: JsonObject = {}
    for name, member in members.items():
        member_path = f"{path}[{name}]"
        if name in value:
            child = _parse(member, value[name], member_path)
            assert not isinstance(child, MetadataChange)
            parsed[name] = child
        elif member.required:
            raise invalid_parameter(
                f"Missing required param: {member_path}.", param=member_path, code="parameter_missing"
            )
    return parsed


def _enumerated(choices: tuple[str, ...]) -> str:
    if len(choices) == 1:
        return choices[0]
    joint = ", or " if len(choices) > 2 else " or "  # noqa: PLR2004 - English grammar
    return ", ".join(choices[:-1]) + joint + choices[-1]
