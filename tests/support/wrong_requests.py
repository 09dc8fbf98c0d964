"""Requests with one wrong value each, made from an OpenAPI document, and what their problems must not say."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

_ID = "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"
_IN_PATHS = {"name": "anna", "dead_letter_id": "17", "event_id": "evt_1", "payout_id": "po_1", "subject": "17"}
_TEXTS = ("", "no", "-1", "1.5", "9" * 20, "x" * 600, "a,b")
_VALUES: tuple[Any, ...] = (None, True, "", "no", 1.5, -1, 10**20, [], [7], ["x" * 600, {}], {}, {"a": {"b": 1}})
_OF_THE_VALUES = frozenset({"a", "b"})
_OF_PYDANTIC = re.compile(
    r"Input should|[Vv]alue error|valid (string|integer|boolean|dictionary|list|tuple)|\bNone\b|tag"
)
_REFUSED = (401, 403)


@dataclass(frozen=True, kw_only=True)
class WrongRequest:
    """What is sent, and the names that its problem may use: those that a client finds in the document."""

    method: str
    path: str
    name: str
    sent: dict[str, Any]
    names: frozenset[str]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.name}"


@dataclass(kw_only=True)
class OpenApi:
    """A document, and the requests that can be made wrong by it."""

    document: dict[str, Any]

    def requests(self) -> Iterator[tuple[str, list[WrongRequest]]]:
        """Yield for each parameter, and each member of a body, the requests with wrong values of it."""
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                if isinstance(operation, dict) and "responses" in operation:
                    yield from self._of(method.upper(), path, operation)

    def _of(self, method: str, path: str, operation: dict[str, Any]) -> Iterator[tuple[str, list[WrongRequest]]]:
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        body = self._resolved(content.get("schema", {}))
        parameters = [each for each in operation.get("parameters", []) if each["in"] in {"query", "header"}]
        names = frozenset({each["name"] for each in parameters} | self._names_in(body))

        def wrong(name: str, sent: list[dict[str, Any]]) -> tuple[str, list[WrongRequest]]:
            made = [
                WrongRequest(method=method, path=_address(path), name=name, sent=each, names=names) for each in sent
            ]
            return f"{method} {path} {name}", made

        for each in parameters:
            place = "params" if each["in"] == "query" else "headers"
            filled: dict[str, Any] = {"json": {}} if body else {}
            yield wrong(each["name"], [filled | {place: {each["name"]: text}} for text in _TEXTS])
        for name in body.get("properties", {}):
            yield wrong(name, [{"json": {name: value}} for value in _VALUES])
            for inner in self._resolved(self._resolved(body["properties"][name]).get("items")).get("properties", {}):
                yield wrong(f"{name}.{inner}", [{"json": {name: [{inner: value}]}} for value in _VALUES])

    def numbers(self) -> dict[str, tuple[str, str, str]]:
        """Return the whole numbers of query strings: method, path and name of each."""
        return {
            f"{method} {path} {each['name']}": (method.upper(), _address(path), each["name"])
            for path, item in self.document["paths"].items()
            for method, operation in item.items()
            for each in (operation.get("parameters", []) if isinstance(operation, dict) else [])
            if each["in"] == "query" and "integer" in str(each["schema"])
        }

    def _resolved(self, schema: Any) -> dict[str, Any]:
        while isinstance(schema, dict) and "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema if isinstance(schema, dict) else {}

    def _names_in(self, schema: Any) -> set[str]:
        found = self._resolved(schema)
        if not found:
            return set()
        members = found.get("properties", {})
        inner = [
            *members.values(),
            found.get("items"),
            *(one for each in ("anyOf", "oneOf") for one in found.get(each, [])),
        ]
        return set(members).union(*map(self._names_in, inner))


def _address(path: str) -> str:
    return re.sub(r"\{([^}]+)\}", lambda found: _IN_PATHS.get(found[1], _ID), path)


async def check_too_large(client: httpx.AsyncClient, number: tuple[str, str, str], keys: Sequence[str]) -> None:
    """Send a number that PostgreSQL cannot hold: it is refused by its name, before PostgreSQL is asked."""
    method, path, name = number
    for value in (2**63, 10**20):
        answers = [
            await client.request(method, path, params={name: value}, headers={"Authorization": f"Bearer {key}"})
            for key in keys
        ]
        (allowed, *_) = [each for each in answers if each.status_code not in _REFUSED]
        assert allowed.status_code == 400, allowed.text
        assert name in {each["field"] for each in allowed.json()["errors"]}


async def check_problems(client: httpx.AsyncClient, requests: Sequence[WrongRequest], keys: Sequence[str]) -> int:
    """Send them, each with the first of the keys that may; return how many values were said to be wrong.

    Each is named as the client wrote it, by the names of the document and the numbers of a list, and in words of ours.
    """
    said = 0
    for request in requests:
        for key in keys:
            headers = {"Authorization": f"Bearer {key}"} | request.sent.get("headers", {})
            answer = await client.request(request.method, request.path, **request.sent | {"headers": headers})
            if answer.status_code not in _REFUSED:
                break
        assert answer.status_code != 500, (request, answer.text)
        for error in answer.json().get("errors", []) if answer.status_code in {400, 422} else []:
            said += 1
            parts = {part for part in error["field"].split(".") if not part.isdecimal()}
            assert parts <= request.names | _OF_THE_VALUES | {"body"}, (str(request), request.sent, error)
            assert not _OF_PYDANTIC.search(error["message"]), (str(request), request.sent, error)
    return said
