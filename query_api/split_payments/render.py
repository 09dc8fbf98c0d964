"""Rows as JSON, written at once. `schemas.http.split_payments` says the same as types."""

from collections.abc import Sequence

import orjson

from projections.split_payments.read import StoredHistoryEntry, StoredSplitPayment
from query_api.responses import Json
from schemas.http.times import timestamp


def summary(stored: StoredSplitPayment) -> Json:
    """Return the members of `SplitPaymentSummary`."""
    return {
        **orjson.loads(stored.view),
        "version": stored.version,
        "updated_at": timestamp(stored.updated_at),
    }


def split_payment(stored: StoredSplitPayment, history: Sequence[StoredHistoryEntry]) -> Json:
    """Return the members of `SplitPaymentView`."""
    return {**summary(stored), "history": [_entry(each) for each in history]}


def _entry(stored: StoredHistoryEntry) -> Json:
    return {
        "version": stored.version,
        "position": stored.position,
        "type": stored.type,
        "at": timestamp(stored.at),
        "actor": stored.actor,
        "data": orjson.Fragment(stored.data),
    }
