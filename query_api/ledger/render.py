"""Rows as JSON. `schemas.http.ledger` says the same as types."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby

import orjson

from projections.ledger.read import StoredBalance, StoredEntry
from query_api.responses import Json
from schemas.http.times import timestamp


def balances(found: Iterable[StoredBalance], as_of: datetime | None) -> Json:
    """Return the members of `LedgerBalances`."""
    data = [{"account": each.account, "currency": each.currency, "balance": each.debit - each.credit} for each in found]
    return {"as_of": _moment(as_of), "data": data}


def trial_balance(found: Iterable[StoredBalance], as_of: datetime | None) -> Json:
    """Return the members of `TrialBalance`; `found` is in the order of the currencies."""
    by_currency = groupby(found, key=lambda each: each.currency)
    return {"as_of": _moment(as_of), "data": [_of_currency(currency, list(each)) for currency, each in by_currency]}


def entry(stored: StoredEntry) -> Json:
    """Return the members of `LedgerEntry`."""
    return {
        "id": f"{stored.position}-{stored.number}",
        "kind": stored.kind,
        "source_id": stored.source_id,
        "category": stored.category,
        "payment_id": stored.payment_id,
        "at": timestamp(stored.at),
        "position": stored.position,
        "lines": orjson.Fragment(stored.lines),
    }


def _of_currency(currency: str, accounts: Sequence[StoredBalance]) -> Json:
    return {
        "currency": currency,
        "accounts": [
            {
                "account": each.account,
                "debit": each.debit,
                "credit": each.credit,
                "balance": each.debit - each.credit,
            }
            for each in accounts
        ],
        "debit": sum(each.debit for each in accounts),
        "credit": sum(each.credit for each in accounts),
    }


def _moment(as_of: datetime | None) -> str | None:
    return None if as_of is None else timestamp(as_of)
