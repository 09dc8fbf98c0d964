"""Which members of an event's data are personal: declared with the type, found in the data."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from schemas.personal.encrypted import member
from schemas.personal.subject import Subject

JsonObject = dict[str, Any]

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_EMAIL = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+\.[^\s@<>\"']{2,}")


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonalValue:
    """A personal value and where it stands: `holder[name]`."""

    pointer: str
    holder: Any
    name: str | int
    subject: Subject
    partial: str | None = None
    """What stays in clear."""

    @property
    def value(self) -> Any:
        """What stands there now."""
        return self.holder[self.name]


class PersonalFields(Protocol):
    """The declaration of an event type."""

    def find(self, data: JsonObject, metadata_keys: Collection[str]) -> Iterator[PersonalValue]:
        """Give the personal values of an event's data; `metadata_keys` are the words that name personal metadata."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UserFields:
    """Members of an object that names its user (`user_id`), within an event that names its merchant.

    `texts` are personal as a whole; of `metadata`, those members whose names have one of the words, or whose value
    holds an e-mail address. `each_of` names a list of such objects, each with a user of its own.
    """

    texts: tuple[str, ...] = ()
    metadata: str | None = "metadata"
    each_of: str | None = None

    def find(self, data: JsonObject, metadata_keys: Collection[str]) -> Iterator[PersonalValue]:
        """Give those of the event itself, and then those of each of its objects."""
        merchant_id = data["merchant_id"]
        yield from self._within(data, "", merchant_id, metadata_keys)
        if self.each_of is not None:
            for number, each in enumerate(data[self.each_of]):
                pointer = member(f"/{self.each_of}", number)
                yield from self._within(each, pointer, merchant_id, metadata_keys)

    def _within(
        self, holder: JsonObject, pointer: str, merchant_id: str, metadata_keys: Collection[str]
    ) -> Iterator[PersonalValue]:
        subject = Subject.user(merchant_id, holder["user_id"])
        for name in self.texts:
            if holder.get(name) is not None:
                yield PersonalValue(pointer=member(pointer, name), holder=holder, name=name, subject=subject)
        metadata = holder.get(self.metadata) if self.metadata is not None else None
        if not metadata:
            return
        within = member(pointer, str(self.metadata))
        for name, value in metadata.items():
            if is_personal_name(name, metadata_keys) or has_email(value):
                yield PersonalValue(pointer=member(within, name), holder=metadata, name=name, subject=subject)


def is_personal_name(name: str, words: Collection[str]) -> bool:
    """Whether one of the words of a name (`billing_email`, `billingEmail`, `Billing-Email`) is personal."""
    return any(word.lower() in words for word in _WORD.findall(name))


def has_email(value: object) -> bool:
    """Whether a text holds what looks like an e-mail address."""
    return isinstance(value, str) and "@" in value and _EMAIL.search(value) is not None
