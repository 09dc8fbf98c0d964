"""What a script is made of: calls of the SDK, whose parameters can name what earlier calls answered."""

from collections.abc import Iterator, Mapping
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


def call(name: str, of: str, /, *path: str, key: str | None = None, **params: object) -> Step:
    """Return a step with these parameters."""
    return Step(name=name, call=of, path=path, params=params, key=key)


class UnansweredError(Exception):
    """A step needs what no step before it was answered, as when one was refused."""


def references(value: Any) -> Iterator[str]:
    """Yield what parameters refer to, without the `$`."""
    if isinstance(value, str) and value.startswith("$"):
        yield value[1:]
    elif isinstance(value, Mapping):
        yield from references(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from references(each)


def resolved(value: Any, answers: Mapping[str, Any]) -> Any:
    """Return parameters with what their references stand for. Raises UnansweredError."""
    if isinstance(value, str) and value.startswith("$"):
        name, *members = value[1:].split(".")
        try:
            found = answers[name]
            for member in members:
                found = found[int(member)] if isinstance(found, list) else found[member]
        except (LookupError, TypeError, ValueError) as error:
            raise UnansweredError(f"nothing was answered as {value}") from error
        return found
    if isinstance(value, Mapping):
        return {key: resolved(each, answers) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [resolved(each, answers) for each in value]
    return value
