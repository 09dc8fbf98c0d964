"""Reads a JSON body: refuses card numbers, checks it against its model, and says what tells one body from another.

Errors name fields and never repeat what was sent.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from command_api.errors import CardNumberRefused
from infra.card_numbers import holds_card_number
from infra.http.problems import Problem

Model = TypeVar("Model", bound=BaseModel)

MAX_BODY_BYTES = 64 * 1024

_MAX_ERRORS = 20
_MAX_FIELD_CHARS = 64
_MESSAGES = {
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "extra_forbidden": "is not a known field",
    "int_type": "must be a whole number: no string, no fraction, no true or false",
    "missing": "is required",
    "model_type": "must be an object",
    "string_type": "must be a string",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadBody(Generic[Model]):
    """A checked body, and its canonical form: the same for every spacing and order of members."""

    wanted: Model
    canonical: bytes


async def read_body(request: Request, model: type[Model], *, exempt: Collection[str] = frozenset()) -> ReadBody[Model]:
    """Read the request's body; an empty one counts as `{}`. In `exempt` members no card number is looked for.

    Raises Problem (413, 415), CardNumberRefused or RequestValidationError: also for an object with a repeated member.
    """
    raw = await _read(request)
    document: Any = {}
    if raw:
        _expect_json(request.headers.get("content-type"))
        try:
            document = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise _malformed(error) from None
    if holds_card_number(raw, document, but=exempt):
        raise CardNumberRefused("body")
    if raw:
        _refuse_repeated_members(raw)  # names the member, which must be no card number
    try:
        wanted = model.model_validate(document)
    except ValidationError as error:
        raise _invalid(error) from None
    return ReadBody(wanted=wanted, canonical=orjson.dumps(document, option=orjson.OPT_SORT_KEYS))


async def _read(request: Request) -> bytes:
    """Read no more than is allowed. The framework's own limit answers in plain text."""
    raw = bytearray()
    too_large = int(request.headers.get("content-length", 0)) > MAX_BODY_BYTES
    if not too_large:
        async for chunk in request.stream():
            raw += chunk
            if too_large := len(raw) > MAX_BODY_BYTES:
                break
    if too_large:
        detail = f"A body may have {MAX_BODY_BYTES} bytes."
        raise Problem(413, "body_too_large", "The body is too large", detail, {"Connection": "close"})
    return bytes(raw)


def _expect_json(content_type: str | None) -> None:
    if content_type is None:
        return
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json")):
        return
    detail = "Send the body as JSON, with Content-Type: application/json."
    raise Problem(415, "unsupported_media_type", "Unsupported media type", detail)


def _malformed(error: orjson.JSONDecodeError) -> RequestValidationError:
    message = f"is not JSON: {error.msg.partition(':')[0]} at character {error.pos}"
    return RequestValidationError([{"type": "json_invalid", "loc": ("body",), "msg": message}])


def _refuse_repeated_members(raw: bytes) -> None:
    """Refuse an object that has a member twice: which one counts depends on who reads it (RFC 8259, section 4)."""
    try:
        json.loads(raw, object_pairs_hook=_unrepeated)
    except _Repeated as repeated:
        message = f"has the member {str(repeated)[:_MAX_FIELD_CHARS]!r} more than once"
        detail = {"type": "json_repeated_member", "loc": ("body",), "msg": message}
        raise RequestValidationError([detail]) from None
    except RecursionError:
        detail = {"type": "json_invalid", "loc": ("body",), "msg": "is nested too deeply"}
        raise RequestValidationError([detail]) from None


class _Repeated(Exception):
    pass


def _unrepeated(members: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in members:
        if name in seen:
            raise _Repeated(name)
        seen.add(name)


def _invalid(error: ValidationError) -> RequestValidationError:
    details = error.errors(include_input=False, include_url=False, include_context=False)
    return RequestValidationError([_told(detail) for detail in details[:_MAX_ERRORS]])


def _told(detail: Mapping[str, Any]) -> dict[str, Any]:
    path = [str(part)[:_MAX_FIELD_CHARS] for part in detail["loc"]]
    message = _MESSAGES.get(detail["type"], detail["msg"])
    return {"type": detail["type"], "loc": ("body", *path), "msg": message}
