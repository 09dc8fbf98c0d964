"""Reads that must be refused: every parameter with every value that the document does not allow."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_from_bytes

from tests.integration.hostile.hostile_request import HostileRequest, Route, reads, target_of
from tests.integration.hostile.hostile_values import CARD, TEXTS
from tests.support.openapi_documents import DOCUMENTS, validator

_NUMBERS = (
    *("-1", "-0", "+1", "01", "1.0", "1e3", "0x1", "1_0", " 1", "1 ", "NaN", "Infinity", "9" * 20, "9" * 500),
    *("9223372036854775808", "\u0661", "\uff11", "true", "[1]", "1,2", ""),
)
_BYTES = (b"\xff", b"\xc0\x80", b"\xed\xa0\x80")


def hostile_reads(ids: dict[str, str]) -> Iterator[HostileRequest]:
    """Yield requests to every route that reads."""
    for route in reads():
        plain = HostileRequest(reason="", route=route, target=target_of(route, ids))
        for number, parameter in enumerate(route.operation.get("parameters", ())):
            name, place = parameter["name"], parameter["in"]
            for value in [*_refused(route, parameter)][number % 2 :: 2]:
                reason = f"{name} {value[:30]!r}"
                if place == "query":
                    yield plain.but(
                        reason, target=plain.target + f"?{name}=".encode() + quote_from_bytes(value).encode()
                    )
                elif place == "header" and _can_be_sent(value):
                    yield plain.but(reason, headers=(*plain.headers, (name.encode(), value)))
            if place == "query":
                yield plain.but(f"{name} twice", target=plain.target + f"?{name}=1&{name}=1".encode())
                yield plain.but(f"{name}[]", target=plain.target + f"?{name}[]=1".encode())
                yield plain.but(f"{name} in capitals", target=plain.target + f"?{name.upper()}=1".encode())
                yield plain.but(f"{name} with a card number beside it", target=plain.target + f"?x={CARD}".encode())


def _can_be_sent(value: bytes) -> bool:
    """Whether a header can have this value: blanks around it are not a part of it."""
    return value == value.strip() != b"" and not set(value) & set(b"\x00\r\n")


def _refused(route: Route, parameter: Any) -> Iterator[bytes]:
    schema = parameter["schema"]
    if parameter["name"].lower() in {"prefer", "if-none-match", "idempotency-key"}:  # any value is one
        return
    if parameter["name"] == "cursor":
        yield from (each.encode() for each in TEXTS if each)
        yield from _BYTES
        return
    check = validator(DOCUMENTS[route.api], schema)
    values = (*TEXTS, *_NUMBERS)
    for value in dict.fromkeys(values):
        if not check.is_valid(_as_read(schema, value)) or "\x00" in value:
            yield value.encode()


def _as_read(schema: Any, value: str) -> Any:
    """Return what the text stands for in a URL."""
    if schema.get("type") == "integer":
        return int(value) if value == "0" or (value.isascii() and value.isdigit() and value[0] != "0") else value
    if schema.get("type") == "boolean":
        return json.loads(value) if value in ("true", "false") else value
    return value
