"""What a script is made of: calls of the SDK, whose parameters can name what earlier calls answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Params: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One call: `payment_intents.create`. Of strings, `$intent.latest_charge` stands for a member of an earlier answer.

    With `until`, it is made again until a member has that value, or for a minute. With `key`, an idempotency key: the
    same name is the same key within a run of the script.
    """

    name: str
    call: str
    path: tuple[str, ...] = ()
    params: Params = field(default_factory=dict)
    key: str | None = None
    until: tuple[str, object] | None = None
    only: tuple[str, ...] = ()
    """Of a list, the members of each object that are printed; the account may hold other objects besides."""


Script: TypeAlias = tuple[Step, ...]


def call(name: str, of: str, *path: str, key: str | None = None, **params: object) -> Step:
    """Return a step with these parameters."""
    return Step(name=name, call=of, path=path, params=params, key=key)


def resolved(value: Any, answers: Mapping[str, Any]) -> Any:
    """Return parameters with what their references stand for."""
    if isinstance(value, str) and value.startswith("$"):
        name, *members = value[1:].split(".")
        found = answers[name]
        for member in members:
            found = found[int(member)] if isinstance(found, list) else found[member]
        return found
    if isinstance(value, Mapping):
        return {key: resolved(each, answers) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [resolved(each, answers) for each in value]
    return value
