"""Reads a JSON body: refuses card numbers, validates it, and returns its canonical form.

Errors name fields and never repeat what was sent.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from typing import Any, Generic, TypeVar

import orjson
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from command_api.errors import CardNumberRefused
from domain.payment.requests import (
    MAX_DESCRIPTION_CHARS,
    MAX_METADATA_KEY_CHARS,
    MAX_METADATA_KEYS,
    MAX_METADATA_VALUE_CHARS,
    MAX_STATEMENT_DESCRIPTOR_SUFFIX_CHARS,
    MAX_USER_ID_CHARS,
)
from infra.card_numbers import holds_card_number
from infra.http.problems import Problem
from infra.http.query_string import refuse_query_string
from schemas.personal.encrypted import PREFIX

Model = TypeVar("Model", bound=BaseModel)

_KIB = 1024
_CHAR_BYTES = 12  # of JSON at most: two escapes for an emoji (RFC 8259, section 7)
_MAX_CHARS = (
    MAX_METADATA_KEYS * (MAX_METADATA_KEY_CHARS + MAX_METADATA_VALUE_CHARS)
    + MAX_DESCRIPTION_CHARS
    + MAX_USER_ID_CHARS
    + MAX_STATEMENT_DESCRIPTOR_SUFFIX_CHARS
)
MAX_BODY_KIB = -(-_CHAR_BYTES * _MAX_CHARS // _KIB) + 16
"""Whatever is within the limits of each member fits, however it is written; the rest is for names, ids and layout."""
MAX_BODY_BYTES = MAX_BODY_KIB * _KIB

_ENCRYPTED, _ESCAPED = PREFIX.encode(), rb"\u"
_JSON = "application/json"
_CHARSETS = (["utf-8"], ["utf8"], ["us-ascii"])
_EMPTY_BODY_BYTES = 16
_MAX_ERRORS = 20
_MAX_FIELD_CHARS = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadBody(Generic[Model]):
    """A validated body, and its canonical form: the same for every spacing and order of members."""

    parsed: Model
    canonical: bytes


async def read_body(request: Request, model: type[Model], *, exempt: Collection[str] = frozenset()) -> ReadBody[Model]:
    """Read the request's body; an empty one counts as `{}`. In `exempt` members no card number is looked for.

    Raises Problem (413, 415), CardNumberRefused or RequestValidationError: also for an object with a repeated member,
    for a text that looks like one of our encrypted values, and for a query string.
    """
    refuse_query_string(request)
    raw = await _read(request)
    document: Any = {}
    if raw:
        _require_json(request.headers.getlist("content-type"))
        try:
            document = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise _malformed(error) from None
    if holds_card_number(raw, document, but=exempt):
        raise CardNumberRefused("body")
    if raw:
        _refuse_repeated_members(raw)  # names the member, which must be no card number
        _refuse_encrypted_looks(raw, document)
    try:
        parsed = model.model_validate(document)
    except ValidationError as error:
        raise _invalid(error) from None
    return ReadBody(parsed=parsed, canonical=orjson.dumps(document, option=orjson.OPT_SORT_KEYS))


async def read_bytes(request: Request, max_bytes: int) -> bytes | None:
    """Return the bytes as they came; None when there are more than `max_bytes`, of which no more are read.

    The framework's own limit answers in plain text. Raises Problem (415) for a compressed body.
    """
    if any(each.strip().lower() not in ("", "identity") for each in request.headers.getlist("content-encoding")):
        detail = "Send the body as it is, without a Content-Encoding."
        raise _unsupported(detail, {"Accept-Encoding": "identity"})  # RFC 9110, section 15.5.16
    if int(request.headers.get("content-length", 0)) > max_bytes:
        return None
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > max_bytes:
            return None
    return bytes(raw)


async def _read(request: Request) -> bytes:
    raw = await read_bytes(request, MAX_BODY_BYTES)
    if raw is None:
        detail = f"A body may have {MAX_BODY_BYTES} bytes."
        raise Problem(413, "body_too_large", "The body is too large", detail, {"Connection": "close"})
    return raw


def _require_json(content_types: Sequence[str]) -> None:
    """Raise Problem (415) for another media type, or JSON that is not in UTF-8 (RFC 8259, section 8.1)."""
    if not content_types or content_types == [_JSON]:
        return
    message = Message()
    message["Content-Type"] = content_types[0]
    media_type = content_types[0].partition(";")[0].strip().lower()
    is_json = media_type == _JSON or (media_type.startswith("application/") and media_type.endswith("+json"))
    charsets = [str(value).lower() for name, value in message.get_params([]) if name.lower() == "charset"]
    if len(content_types) == 1 and is_json and charsets in ([], *_CHARSETS):
        return
    raise _unsupported("Send the body as JSON in UTF-8, with Content-Type: application/json.")


def _unsupported(detail: str, headers: Mapping[str, str] | None = None) -> Problem:
    return Problem(415, "unsupported_media_type", "Unsupported media type", detail, headers)


async def refuse_body(request: Request) -> None:
    """Wait for the request's end, and raise RequestValidationError when it has a body, which would be passed over.

    For what changes something without one. The server refuses a request whose end is not well-formed, when the
    application has it already: nothing may have been done by then (starlette's ClientDisconnect).
    """
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > _EMPTY_BODY_BYTES:
            break
    if len(raw) > _EMPTY_BODY_BYTES or bytes(raw).strip() not in (b"", b"{}"):
        raise RequestValidationError([{"type": "json_invalid", "loc": ("body",), "msg": "must be empty"}])


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


def _refuse_encrypted_looks(raw: bytes, document: Any) -> None:
    """Refuse a text that readers of events would take for personal data encrypted by us, with a key of anybody."""
    if _ENCRYPTED not in raw and _ESCAPED not in raw:
        return
    left: list[tuple[tuple[str, ...], Any]] = [((), document)]
    while left:
        path, value = left.pop()
        texts = [value]
        if isinstance(value, dict):
            texts = [*value]
            left += [((*path, name[:_MAX_FIELD_CHARS]), each) for name, each in value.items()]
        elif isinstance(value, list):
            left += [((*path, str(number)), each) for number, each in enumerate(value)]
        if any(isinstance(text, str) and text.startswith(PREFIX) for text in texts):
            message = f"must not begin with {PREFIX}, which marks personal data"
            raise RequestValidationError([{"type": "encrypted_looks", "loc": ("body", *path), "msg": message}])


class _Repeated(Exception):
    pass


def _unrepeated(members: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in members:
        if name in seen:
            raise _Repeated(name)
        seen.add(name)


def _invalid(error: ValidationError) -> RequestValidationError:
    details = error.errors(include_input=False, include_url=False)
    return RequestValidationError([_detail(detail) for detail in details[:_MAX_ERRORS]])


def _detail(detail: Mapping[str, Any]) -> dict[str, Any]:
    path = [str(part)[:_MAX_FIELD_CHARS] for part in detail["loc"]]
    return {"type": detail["type"], "loc": ("body", *path), "msg": detail["msg"], "ctx": detail.get("ctx")}
