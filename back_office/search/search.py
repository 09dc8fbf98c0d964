"""Finds what an id may be of, or an amount: each kind is asked for where the query API has an index for it."""

import asyncio
import re
from collections.abc import Coroutine
from dataclasses import dataclass
from uuid import UUID

from back_office.apis.client import Api
from back_office.apis.errors import ApiRefused, Json
from back_office.web.addresses import segment
from back_office.web.typed_amounts import TypedAmount, typed_amount
from infra.http.context import WELL_FORMED_ID

_MOVEMENT = re.compile(r"(?:ch|py|re|pyr|du|dp|txn)_[A-Za-z0-9]+")
_PAYOUT = re.compile(r"po_[A-Za-z0-9]+")
_STRIPE_EVENT = re.compile(r"evt_[A-Za-z0-9_]+")
_INTENT = re.compile(r"pi_[A-Za-z0-9]+")
_MOST = 10
_LONGEST = 255
_NOT_FOUND = 404


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Payments, or something else, that one kind of id leads to."""

    what: str
    payments: list[Json]
    more: dict[str, str] | None = None
    """The query in the address of the list with all of them."""
    payout: Json | None = None
    stripe_event: Json | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether there is none of that kind."""
        return not self.payments and self.payout is None and self.stripe_event is None


async def search(query_api: Api, text: str, *, finance_api: Api | None, admin_api: Api | None) -> list[Found]:
    """Return what is found, kind by kind; those without a result are left out. Raises ApiAway and ApiRefused.

    `finance_api` is asked for the ledger, `admin_api` for Stripe's events; None: who searches may not see those.
    """
    looks = _looks(query_api, text, finance_api=finance_api, admin_api=admin_api)
    return [found for found in await asyncio.gather(*looks) if not found.is_nothing]


def _looks(
    query_api: Api, text: str, *, finance_api: Api | None, admin_api: Api | None
) -> list[Coroutine[None, None, Found]]:
    if not text or len(text) > _LONGEST or not text.isprintable():
        return []
    if _INTENT.fullmatch(text):
        return [_listed(query_api, "Stripe's payment intent", stripe_payment_intent_id=text)]
    if _MOVEMENT.fullmatch(text):
        return [] if finance_api is None else [_by_movement(query_api, finance_api, text)]
    if _PAYOUT.fullmatch(text):
        return [] if finance_api is None else [_payout(finance_api, text)]
    if _STRIPE_EVENT.fullmatch(text):
        return [] if admin_api is None else [_stripe_event(query_api, admin_api, text, finance_api=finance_api)]
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
    return looks


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


async def _payout(finance_api: Api, payout_id: str) -> Found:
    return Found(what="Payout", payments=[], payout=await _one(finance_api, f"/payouts/{segment(payout_id)}"))


async def _stripe_event(query_api: Api, admin_api: Api, event_id: str, *, finance_api: Api | None) -> Found:
    """Find what Stripe told by an event, and the payments that what it is about belongs to."""
    event = await _one(admin_api, f"/stripe-events/{segment(event_id)}")
    about = "" if event is None else event["object_id"] or ""
    is_of_payments = _INTENT.fullmatch(about) or _MOVEMENT.fullmatch(about)
    looks = _looks(query_api, about, finance_api=finance_api, admin_api=None) if is_of_payments else []
    payments = [payment for found in await asyncio.gather(*looks) for payment in found.payments]
    return Found(what="Stripe's event", payments=payments, stripe_event=event)


async def _payment(query_api: Api, payment_id: str) -> Json | None:
    return await _one(query_api, f"/payments/{segment(payment_id)}")  # another merchant's is none


async def _one(api: Api, path: str) -> Json | None:
    """Return something by its address; None: it is not there."""
    try:
        return (await api.get(path)).body
    except ApiRefused as refused:
        if refused.status == _NOT_FOUND:
            return None
        raise


def _uuid(text: str) -> str | None:
    try:
        return str(UUID(text))
    except ValueError:
        return None
