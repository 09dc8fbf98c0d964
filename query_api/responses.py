"""Responses: JSON with the position that it reflects, pages, and 304 for what the client has already."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import orjson
from starlette.responses import Response

Json = dict[str, Any]


class Keyed(Protocol):
    """A row of a list; its key is its place there."""

    @property
    def key(self) -> Any:
        """What its cursor is made of."""
        ...


Row = TypeVar("Row", bound=Keyed)


def page(data: list[Json], next_cursor: str | None) -> Json:
    """Return the members of a page; it is the last one without a cursor."""
    return {"data": data, "has_more": next_cursor is not None, "next_cursor": next_cursor}


def page_response(
    found: Sequence[Row],
    limit: int,
    *,
    encode: Callable[[Any], str],
    render: Callable[[Row], Json],
    position: int | None,
) -> Response:
    """Return a page of `limit` rows of what was found, which is one more where there is a next page.

    `encode` makes a cursor of the key of the last row that is shown.
    """
    shown = found[:limit]
    cursor = encode(shown[-1].key) if len(found) > len(shown) else None
    return json_response(page([render(row) for row in shown], cursor), position=position)


def json_response(body: Json, *, position: int | None, headers: Mapping[str, str] | None = None) -> Response:
    """Return a 200 that says up to which position it reflects the log (None: unsaid)."""
    return Response(orjson.dumps(body), headers=response_headers(position, headers), media_type="application/json")


def response_headers(position: int | None, headers: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the headers of a response that reflects the log up to `position`."""
    at = {} if position is None else {"Paystream-Position": str(position)}
    # A response is a merchant's own, and is true only for a moment.
    return {"Cache-Control": "private, no-cache", **at, **(headers or {})}


def versioned_response(body: Json, version: str | int, if_none_match: str | None, *, position: int) -> Response:
    """Return a 200 with the version as its ETag, or a 304 for a client that has this version already."""
    etag = f'"{version}"'
    headers = {"ETag": etag}
    if _has_version(if_none_match, etag):
        return Response(status_code=304, headers=response_headers(position, headers))
    return json_response(body, position=position, headers=headers)


def _has_version(if_none_match: str | None, etag: str) -> bool:
    """Whether the client has this version: compared weakly, as RFC 9110 (13.1.2) says for GET."""
    if if_none_match is None:
        return False
    given = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in given or given == ["*"]
