"""An event type: its name on the wire, its newest schema version, and how older versions are read.

The name is for ever. A change that an older reader can live with (a new optional field) keeps the version; any other
makes a new version and an upcaster from the one before, which is a function from JSON object to JSON object.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from schemas.errors import InvalidEventData, UnsupportedSchemaVersion, message_of
from schemas.personal import PersonalFields
from schemas.personal.encrypted import hidden

JsonObject = dict[str, Any]
Upcaster = Callable[[JsonObject], JsonObject]
E = TypeVar("E")


@dataclass(frozen=True, kw_only=True)
class EventType(Generic[E]):
    """One event type. `upcasters[n]` turns version n into version n + 1; the newest version is `model`."""

    name: str
    model: type[E]
    upcasters: Mapping[int, Upcaster] = field(default_factory=dict)
    within: str | None = None
    """The category, where the name does not tell it."""
    personal: PersonalFields | None = None
    """Which of its values are personal; None: none."""

    @property
    def version(self) -> int:
        """The version that is written today."""
        return len(self.upcasters) + 1

    @property
    def category(self) -> str:
        """The category of the streams that hold it: `stripe_event.received` is in `stripe-event`."""
        return self.within or self.name.partition(".")[0].replace("_", "-")

    @cached_property
    def adapter(self) -> TypeAdapter[E]:
        """Reads and writes the newest version."""
        return TypeAdapter(self.model)

    def read(self, data: bytes, version: int) -> E:
        """Return the event that `data`, written in `version`, holds; what is still encrypted reads `[encrypted]`.

        Raises UnsupportedSchemaVersion or InvalidEventData.
        """
        if not 1 <= version <= self.version:
            raise UnsupportedSchemaVersion(self.name, version, self.version)
        data = hidden(data)
        try:
            if version == self.version:
                return self.adapter.validate_json(data)
            document = orjson.loads(data)
            for step in range(version, self.version):
                document = self.upcasters[step](document)
            return self.adapter.validate_python(document)
        except (ValidationError, orjson.JSONDecodeError) as wrong:
            raise InvalidEventData(self.name, version, _reason(wrong)) from None


def renamed(**names: str) -> Upcaster:
    """Return the upcaster that gives fields other names: `old="new"`. A name that is not there is left alone."""

    def upcast(document: JsonObject) -> JsonObject:
        return {names.get(name, name): value for name, value in document.items()}

    return upcast


ACTOR_AND_REASON = renamed(who="actor", why="reason")
"""For what an operator did, as the first version had it."""


def schema_id(name: str, version: int) -> str:
    """Return the name (a URN) of the JSON Schema of a version of an event type: its `$id`, and `ce_dataschema`."""
    return f"urn:paystream:event:{name}:v{version}"


def _reason(wrong: Exception) -> str:
    """Say where the data is wrong without repeating it: it may hold what no log should."""
    if isinstance(wrong, ValidationError):
        return "; ".join(
            f"{'.'.join(str(part) for part in each['loc']) or 'event'}: {message_of(each)}"
            for each in wrong.errors(include_input=False, include_url=False, include_context=False)
        )
    return "not JSON"
