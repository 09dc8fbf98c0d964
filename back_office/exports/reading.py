"""Reads a whole list of the query API, page by page."""

import asyncio
from collections.abc import AsyncIterator, Mapping

from back_office.apis.client import Api, ApiAnswer
from back_office.apis.errors import ApiRefused, Json

_PAGE = 100
_TRIES = 30
_TOO_MANY, _BUSY = 429, 503
_LONGEST_PAUSE_S = 10.0


async def all_pages(query_api: Api, path: str, parameters: Mapping[str, str]) -> AsyncIterator[list[Json]]:
    """Give the elements of every page, one page at a time, from the first on. Raises ApiAway and ApiRefused."""
    cursor: str | None = None
    while True:
        page = {**parameters, "limit": str(_PAGE), **({"cursor": cursor} if cursor else {})}
        found = (await _patiently(query_api, path, page)).body
        yield found["data"]
        cursor = found["next_cursor"]
        if cursor is None:
            return


async def _patiently(query_api: Api, path: str, parameters: Mapping[str, str]) -> ApiAnswer:
    """Ask again while the API says that it was asked too often: a long file takes as long as it takes."""
    for _ in range(_TRIES):
        try:
            return await query_api.get(path, parameters)
        except ApiRefused as refused:
            if refused.status not in {_TOO_MANY, _BUSY} or refused.retry_after_s is None:
                raise
            await asyncio.sleep(min(refused.retry_after_s, _LONGEST_PAUSE_S))
    return await query_api.get(path, parameters)
