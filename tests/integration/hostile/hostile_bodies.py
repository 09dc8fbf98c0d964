"""Bodies of writes that must be refused: every field with every value that the document does not allow, and more."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from tests.integration.hostile.hostile_request import AUTHORIZED, JSON, HostileRequest, Route, target_of, writes
from tests.integration.hostile.hostile_values import CARD, CARDS, TOKENS
from tests.support.openapi_documents import DOCUMENTS, validator

Json = dict[str, Any]
Place = tuple[str | int, ...]

_MARK = "@@here@@"
_UNKNOWN = (
    *("amount", "Amount_Cents", "amount_cents ", "amount_cents\u0000", "id", "status", "merchant_id", "position"),
    *("__proto__", "constructor", "$where", "idempotency_key", "stripe_payment_intent_id", "", "\u202e", "a" * 10_000),
)
_WHOLE = (
    ("a string", b'"payment"'),
    ("a number", b"1"),
    ("a list", b"[]"),
    ("a list of bodies", b"[{}]"),
    ("null", b"null"),
    ("true", b"true"),
    ("blanks alone", b"   "),
    ("a form", b"amount_cents=1&currency=USD"),
    ("XML with an entity", b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'),
    ("NUL", b"\x00"),
    ("NUL after it", b"{}\x00"),
    ("two documents", b"{}{}"),
    ("something after it", b"{} x"),
    ("a comment", b"{/* */}"),
    ("a comma too many", b'{"a": 1,}'),
    ("single quotes", b"{'a': 1}"),
    ("names without quotes", b"{a: 1}"),
    ("cut off", b'{"user_id": "u'),
    ("cut off after a name", b'{"user_id"'),
    ("a byte order mark", b"\xef\xbb\xbf{}"),
    ("UTF-16", '{"a": 1}'.encode("utf-16")),
    ("UTF-32", '{"a": 1}'.encode("utf-32")),
    ("Latin-1", '{"a": "\u00e9"}'.encode("latin-1")),
    ("overlong UTF-8", b'{"a": "\xc0\x80"}'),
    ("a surrogate in UTF-8", b'{"a": "\xed\xa0\x80"}'),
    ("half a character", b'{"a": "\xe2\x82"}'),
    ("a lone surrogate, escaped", b'{"a": "\\ud83d"}'),
    ("a name that is a lone surrogate", b'{"\\ud83d": 1}'),
    ("10,000 lists in each other", b"[" * 10_000 + b"]" * 10_000),
    ("10,000 lists that never end", b"[" * 10_000),
    ("5,000 objects in each other", b'{"a":' * 5_000 + b"1" + b"}" * 5_000),
    ("500 objects in each other", b'{"metadata":' * 500 + b"{}" + b"}" * 500),
    ("20,000 members", b"{" + b",".join(b'"m%d":1' % each for each in range(20_000)) + b"}"),
    ("a number of 50,000 digits", b'{"amount_cents": ' + b"9" * 50_000 + b"}"),
    ("gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00"),
)
"""Refused by every route, whatever it takes."""
_TYPES = (
    *("text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "*/*"),
    *("application/xml", "application/jsonp", "application/json; charset=utf-16", "application/json;charset=latin-1"),
    *("application/json; charset=utf-8; charset=utf-16", "application", "", "application/json, text/html"),
    "application/x-java-serialized-object",
)


def hostile_bodies(ids: dict[str, str]) -> Iterator[HostileRequest]:
    """Yield requests to every route that takes a body."""
    for route in writes():
        if route.body_schema is None:
            continue
        plain = HostileRequest(reason="", route=route, target=target_of(route, ids), headers=(AUTHORIZED, JSON))
        for reason, body in [*_with_hostile_fields(route), *_with_cards(route), *_whole(route)]:
            yield plain.but(reason, body=body)
        example = json.dumps(_example(route)).encode()
        for media_type in _TYPES:
            headers = (AUTHORIZED, (b"Content-Type", media_type.encode()))
            yield plain.but(f"Content-Type {media_type!r}", headers=headers, body=example)
        for coding in (b"gzip", b"br", b"deflate, gzip", b"identity, gzip"):
            coded = (AUTHORIZED, JSON, (b"Content-Encoding", coding))
            yield plain.but(f"Content-Encoding {coding!r}", headers=coded, body=example)


def _with_hostile_fields(route: Route) -> Iterator[tuple[str, bytes]]:
    check = validator(DOCUMENTS[route.api], route.body_schema)
    for number, place in enumerate(_places(route)):
        for token in TOKENS[number % 2 :: 2]:  # half of them, and the other half at the next field
            text = _replaced(_example(route), place, token)
            if _is_refused(text, token, check):
                yield f"{_named(place)}: {token[:40]!r}", text
        doubled = json.dumps(place[-1]).encode()
        whole = json.dumps(_with(_example(route), place, _MARK)).encode()
        for spelt in (doubled, b'"\\u%04x' % ord(str(place[-1])[0]) + doubled[2:]):
            member = json.dumps(_MARK).encode()
            yield f"{_named(place)} twice", whole.replace(member, b"1, " + spelt + b": 1")


def _is_refused(text: bytes, token: bytes, check: Any) -> bool:
    """Whether it is no JSON in UTF-8, or the document refuses it.

    JSON Schema takes 1.0 for a whole number; an amount so written is refused.
    """
    try:
        document = json.loads(text, parse_constant=_no_constant)
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return True
    try:
        value = json.loads(token)
        if isinstance(value, float) and value.is_integer():
            return True
        return not check.is_valid(document)
    except (RecursionError, OverflowError):
        return True


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _with_cards(route: Route) -> Iterator[tuple[str, bytes]]:
    card = CARD.encode()
    disguised = {
        "escaped": b'"\\u0034%b"' % card[1:],
        "no text": card,
        "in a list": b'[["%b"]]' % card,
        "as a name": b'{"%b": 1}' % card,
    }
    for place in _places(route):
        for each in CARDS:
            yield f"{_named(place)}: a card number", _replaced(_example(route), place, json.dumps(each).encode())
        for how, token in disguised.items():
            yield f"{_named(place)}: a card number, {how}", _replaced(_example(route), place, token)
    yield "a card number for a field", json.dumps(_example(route) | {CARD: 1}).encode()


def _whole(route: Route) -> Iterator[tuple[str, bytes]]:
    yield from _WHOLE
    example = _example(route)
    for name in _UNKNOWN:
        if name not in _properties(route):
            yield f"unknown field {name[:20]!r}", json.dumps(example | {name: 1}).encode()
    for name in DOCUMENTS[route.api]["components"]["schemas"][_model(route)].get("required", ()):
        yield f"without {name}", json.dumps({key: value for key, value in example.items() if key != name}).encode()


def _model(route: Route) -> str:
    return str(route.body_schema["$ref"]).rpartition("/")[2]


def _properties(route: Route) -> Json:
    properties: Json = DOCUMENTS[route.api]["components"]["schemas"][_model(route)]["properties"]
    return properties


def _example(route: Route) -> Json:
    examples = DOCUMENTS[route.api]["components"]["schemas"][_model(route)].get("examples", [{}])
    return copy.deepcopy(dict(examples[0]))


def _places(route: Route) -> Iterator[Place]:
    """Yield every field, and those of the first of its parts."""
    example = _example(route)
    for name in _properties(route):
        yield (name,)
        value = example.get(name)
        if isinstance(value, list) and value and isinstance(value[0], dict):
            yield from ((name, 0, member) for member in value[0])
        elif name == "metadata":
            yield (name, "order")


def _named(place: Place) -> str:
    return ".".join(map(str, place))


def _with(example: Json, place: Place, value: Any) -> Json:
    at: Any = example
    for step in place[:-1]:
        at = at.setdefault(step, {}) if isinstance(at, dict) else at[step]
    at[place[-1]] = value
    return example


def _replaced(example: Json, place: Place, token: bytes) -> bytes:
    text = json.dumps(_with(example, place, _MARK)).encode()
    return text.replace(json.dumps(_MARK).encode(), token)
