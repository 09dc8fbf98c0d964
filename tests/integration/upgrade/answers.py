"""What a query API answers to every read that there is, and whether a later one still says the same."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import httpx

CHANGED: dict[str, str] = {}
"""What a later release answers otherwise on purpose: where, as a regular expression (`^/payments/.*\\.status `), and
why."""

RENAMED: dict[str, str] = {
    r"^/reconciliations\[\d+\]\.healing$": "backfilled",
    r"^/discrepancies\[\d+\]\.who$": "actor",
    r"^/discrepancies\[\d+\]\.why$": "reason",
    r"^/payments/[^/]+/events\[\d+\]\.data\.who$": "actor",
    r"^/payments/[^/]+/events\[\d+\]\.data\.why$": "reason",
}
"""Members that have another name since 0.3, and the same value: where they were, and their name now."""

_ENTRIES = "/ledger/entries"
_PLACE = ("id", "position", "at")
_MAY_MOVE = frozenset({"refund", "refund_failure"})
_LISTS = ("/payments", "/ledger/entries", "/reconciliations", "/discrepancies")
_BALANCES = ("/ledger/balances", "/ledger/trial-balance")


async def read_everything(client: httpx.AsyncClient, payment_ids: Iterable[str]) -> dict[str, Any]:
    """Return the answers by path; of a list, the elements of all its pages."""
    ids = list(payment_ids)
    lists = [*_LISTS, *(f"/payments/{each}/events" for each in ids)]
    ones = [*_BALANCES, *(f"/payments/{each}" for each in ids)]
    return {
        **{path: [each async for each in _elements(client, path)] for path in lists},
        **{path: await _answer(client, path) for path in ones},
    }


def lost(kept: dict[str, Any], now: dict[str, Any], *, anew: bool = False) -> list[str]:
    """Return where answers do not say any more what the release answered. That they say more is no loss.

    `anew`: the read model was built anew. Then a refund that was pending stands in the ledger where its money moved,
    and not where it was asked for, as releases up to 0.1.0 had it: everything but its place is compared.
    """
    if anew:
        kept, now = ({**each, _ENTRIES: _without_places(each[_ENTRIES])} for each in (kept, now))
    found = (line for path, before in kept.items() for line in _lost(before, now[path], path))
    return [line for line in found if not any(re.search(where, line) for where in CHANGED)]


def _without_places(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    refunds = [
        {name: value for name, value in each.items() if name not in _PLACE}
        for each in entries
        if each["category"] in _MAY_MOVE
    ]
    others = [each for each in entries if each["category"] not in _MAY_MOVE]
    return [*others, *sorted(refunds, key=lambda each: (each["source_id"], each["category"], each["kind"]))]


def _lost(kept: Any, now: Any, at: str) -> Iterator[str]:
    if isinstance(kept, dict) and isinstance(now, dict):
        for name, value in kept.items():
            if (current := _name_now(f"{at}.{name}", name)) in now:
                yield from _lost(value, now[current], f"{at}.{name}")
            else:
                yield f"{at}.{name} is gone"
    elif isinstance(kept, list) and isinstance(now, list) and len(kept) == len(now):
        for number, (before, after) in enumerate(zip(kept, now, strict=True)):
            yield from _lost(before, after, f"{at}[{number}]")
    elif kept != now:
        yield f"{at} was {kept!r} and is {now!r}"


def _name_now(at: str, name: str) -> str:
    return next((current for where, current in RENAMED.items() if re.search(where, at)), name)


async def _elements(client: httpx.AsyncClient, path: str) -> Any:
    cursor: dict[str, str] = {}
    while True:
        page = await _answer(client, path, **cursor)
        for each in page["data"]:
            yield each
        if not page["has_more"]:
            return
        cursor = {"cursor": page["next_cursor"]}


async def _answer(client: httpx.AsyncClient, path: str, **params: str) -> Any:
    answer = await client.get(path, params=params)
    answer.raise_for_status()
    return answer.json()
