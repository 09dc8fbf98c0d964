"""What is wrong with a value of a request: what it must be, in words of our own."""

from collections.abc import Mapping
from typing import Any

from infra.validation import message_of

_SAID = {
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "extra_forbidden": "is not a known field",
    "int_type": "must be a whole number of 64 bits: no string, no fraction, no true or false",
    "list_type": "must be an array",
    "missing": "is required",
    "model_type": "must be an object",
    "string_type": "must be a string",
}
_SAID_WITH = {
    "enum": "must be {expected}",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "too_long": "must have at most {max_length} elements",
    "too_short": "must have at least {min_length} elements",
}
_ONE_CHARACTER = "must not be empty"


def what_it_must_be(detail: Mapping[str, Any]) -> str:
    """Return what is wrong, of one of the details of a ValidationError; never the value."""
    kind, bounds = str(detail["type"]), detail.get("ctx") or {}
    if kind == "extra_forbidden" and detail["loc"][:1] == ("query",):
        return "is not a known parameter"
    if kind == "string_too_short" and bounds.get("min_length") == 1:
        return _ONE_CHARACTER
    if kind in _SAID_WITH and bounds:
        return _SAID_WITH[kind].format_map(bounds)
    return _SAID.get(kind) or message_of(detail)
