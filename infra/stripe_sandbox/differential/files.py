"""Scripts from files. The format is described in `docs/stripe-sandbox.md`, with an example beside this module.

A file is JSON lines, a step each, or one JSON document: a list of steps, or an object of named lists of steps.
"""

from collections.abc import Iterator, Mapping
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any

import orjson
import stripe
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from infra.stripe_sandbox.differential.steps import Script, Step, references
from infra.validation import message_of

_SDK = stripe.StripeClient("sk_test_of_nobody").v1


class ScriptFileError(Exception):
    """A file is no script; the message says where and why."""


class _Written(BaseModel):
    """A step as it is written: the members of `Step`, most of which can be left out."""

    model_config = ConfigDict(extra="forbid", strict=True)

    call: Annotated[str, Field(pattern=r"^[a-z_]+(\.[a-z_]+)+$")]
    name: Annotated[str, Field(pattern=r"^\w+$")] | None = None
    path: list[str] = []
    params: dict[str, Any] = {}
    key: str | None = None
    until: dict[str, Any] | None = None
    only: list[str] = []


_STEPS = TypeAdapter(list[_Written])
_NAMED = TypeAdapter(dict[str, list[_Written]])


def read_scripts(path: Path) -> dict[str, Script]:
    """Return a file's scripts by name; one that has no name of its own has the file's. Raises ScriptFileError."""
    try:
        document = _document(path)
        written = (
            _NAMED.validate_python(document)
            if isinstance(document, dict)
            else {path.stem: _STEPS.validate_python(document)}
        )
    except OSError as error:
        raise ScriptFileError(f"{path}: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise ScriptFileError(f"{path}: not JSON: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise ScriptFileError(f"{path}: {'.'.join(map(str, first['loc']))}: {message_of(first)}") from error
    return {name: tuple(_steps(f"{path}: {name}", steps)) for name, steps in written.items()}


def _document(path: Path) -> object:
    content = path.read_bytes()
    lines = [line for line in content.splitlines() if line.strip()]
    if path.suffix == ".jsonl":
        return [orjson.loads(line) for line in lines]
    return orjson.loads(content)


def _steps(where: str, steps: list[_Written]) -> Iterator[Step]:
    known: set[str] = set()
    for number, written in enumerate(steps, start=1):
        name = written.name or f"step_{number}"
        if name in known:
            raise ScriptFileError(f"{where}: two steps are named {name}")
        if not _is_call(written.call):
            raise ScriptFileError(f"{where}: {name}: the SDK has no call {written.call}")
        for reference in references([written.path, written.params]):
            if reference.partition(".")[0] not in known:
                raise ScriptFileError(f"{where}: {name}: no step before it answers ${reference}")
        known.add(name)
        yield Step(
            name=name,
            call=written.call,
            path=tuple(written.path),
            params=written.params,
            key=written.key,
            until=_until(where, name, written.until),
            only=tuple(written.only),
        )


def _is_call(call: str) -> bool:
    try:
        return callable(attrgetter(f"{call}_async")(_SDK))
    except AttributeError:
        return False


def _until(where: str, name: str, until: Mapping[str, Any] | None) -> tuple[str, object] | None:
    if until is None:
        return None
    if len(until) != 1:
        raise ScriptFileError(f"{where}: {name}: until names one member and its value")
    return next(iter(until.items()))
