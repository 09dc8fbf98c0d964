"""What pydantic says of a wrong value, as people read it."""

from collections.abc import Mapping
from typing import Any

_PREFIX = "Value error, "  # before the text of our validators


def message_of(detail: Mapping[str, Any]) -> str:
    """Return what is wrong, of one of the details of a ValidationError."""
    return str(detail["msg"]).removeprefix(_PREFIX)
