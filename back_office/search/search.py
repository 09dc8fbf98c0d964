"""Finds what an id may be of, or an amount: each kind is asked for where the query API has an index for it."""

import asyncio
import re
from dataclasses import dataclass
from uuid import UUID

from back_office.apis.client import Api
from back_office.apis.errors import ApiRefused, Json
from back_office.web.addresses import segment
from back_office.web.typed_amounts import TypedAmount, typed_amount
from infra.http.context import WELL_FORMED_ID

_MOVEMENT = re.compile(r"(?:ch|py|re|pyr|du|dp|po|txn)_[A-Za-z0-9]+")
_INTENT = re.compile(r"pi_[A-Za-z0-9]+")
_MOST = 10
_LONGEST = 255
_NOT_FOUND = 404


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Payments that one kind of id leads to. `more`: the query in the address of the list with all of them."""

    what: str
    payments: list[Json]
    more: dict[str, str] | None = None


async def search(query_api: Api, text: str, *, finance_api: Api | None) -> list[Found]:
    """Return what is found, kind by kind; those without a result are left out. Raises ApiAway and ApiRefused.

    `finance_api` is asked for the ledger; None: who searches may not see it.
    """
    if not text or len(text) > _LONGEST or not text.isprintable():
        return []
    if _INTENT.fullmatch(text):
        looks = [_listed(query_api, "Stripe's payment intent", stripe_payment_intent_id=text)]
    elif _MOVEMENT.fullmatch(text):
        looks = [] if finance_api is None else [_by_movement(query_api, finance_api, text)]
    else:
        looks = [
            _listed(query_api, "Idempotency key", idempotency_key=text),
            _listed(query_api, "User", user_id=text),
        ]
        if WELL_FORMED_ID.fullmatch(text):
            looks += [
                _listed(query_api, "Request id", request_id=text),
                _listed(query_api, "Correlation id", correlation_id=text),
            ]
        if (amount := typed_amount(text)) is not None:
            looks += [_by_amount(query_api, amount)]
        if (known := _uuid(text)) is not None:
            looks += [_by_id(query_api, known), _listed(query_api, "Split payment", split_payment_id=known)]
    return [found for found in await asyncio.gather(*looks) if found.payments]


async def _listed(query_api: Api, what: str, **filters: str) -> Found:
    page = (await query_api.get("/payments", {**filters, "limit": _MOST})).body
    return Found(what=what, payments=page["data"], more=filters if page["has_more"] else None)


async def _by_amount(query_api: Api, amount: TypedAmount) -> Found:
    currency = {} if amount.currency is None else {"currency": amount.currency}
    what = " ".join(["Amount", amount.number, *currency.values()])
    return await _listed(query_api, what, decimal_amount=amount.number, **currency)


async def _by_id(query_api: Api, payment_id: str) -> Found:
    payment = await _payment(query_api, payment_id)
    return Found(what="Payment", payments=[] if payment is None else [payment])


async def _by_movement(query_api: Api, finance_api: Api, source_id: str) -> Found:
    """Find the payments that a movement of money at Stripe belongs to: the ledger names them."""
    entries = (await finance_api.get("/ledger/entries", {"source_id": source_id, "limit": _MOST})).body["data"]
    ids = dict.fromkeys(entry["payment_id"] for entry in entries if entry["payment_id"])
    payments = await asyncio.gather(*(_payment(query_api, payment_id) for payment_id in ids))
    return Found(what="Movement at Stripe", payments=[payment for payment in payments if payment is not None])


async def _payment(query_api: Api, payment_id: str) -> Json | None:
    try:
        return (await query_api.get(f"/payments/{segment(payment_id)}")).body
    except ApiRefused as refused:
        if refused.status == _NOT_FOUND:  # another merchant's too
            return None
        raise


def _uuid(text: str) -> str | None:
    try:
        return str(UUID(text))
    except ValueError:
        return None
