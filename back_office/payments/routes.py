"""The list of payments, and a payment."""

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from back_office.apis.client import Api, ApiAnswer
from back_office.apis.errors import ApiRefused, Json
from back_office.office import office_of
from back_office.payments import state
from back_office.payments.columns import COLUMNS, chosen
from back_office.payments.declines import customer_sentence
from back_office.payments.filters import PaymentFilters
from back_office.payments.timeline import Entry, entry_of
from back_office.staff.roles import Permission
from back_office.web.addresses import segment, with_query
from back_office.web.errors import NotThereYet
from back_office.web.lists import listed, page_links
from back_office.web.templates import moment, page
from back_office.web.visitor import Visitor, kept_fields, requires

router = APIRouter()

Reader = Annotated[Visitor, Depends(requires(Permission.SEE_PAYMENTS))]

_EVENTS = 100
_NOT_FOUND = 404
_SECOND = re.compile(r"(.{10}[T ]\d\d:\d\d:\d\d)(Z|[+-]\d\d:\d\d)?", re.ASCII)
_OBJECT = re.compile(r"(?:pi|ch|py|re|pyr|du|dp)_[A-Za-z0-9]+")
_WEBHOOKS_COME_WITHIN = 10_000
"""Positions of the log: a webhook comes soon after the answer, and half of what the list looks at is before it."""
_NOTICES = {
    "refund": "The refund is accepted here. Below it says when it is at Stripe, and when it is given back.",
    "capture": "The capture is accepted here. Below it says when Stripe has done it.",
    "cancel": "The cancellation is accepted here. Below it says when Stripe has done it.",
}


@router.get("/payments")
async def list_payments(request: Request, visitor: Reader, filters: Annotated[PaymentFilters, Query()]) -> Response:
    """Show payments, newest first, by the filters in the address."""
    office = office_of(request)
    parameters, mistakes = filters.parameters(office.zone)
    found = await listed(office.query_api, "/payments", parameters, mistakes)
    return page(
        request,
        "payments/list.html",
        visitor,
        status=422 if mistakes else 200,
        filters=filters,
        columns=chosen(filters.columns),
        view_name=kept_fields(request).get("name", ""),
        all_columns=COLUMNS,
        mistakes=mistakes,
        payments=[(each, state.label(each), state.tone(each)) for each in found["data"]],
        pages=page_links("/payments", filters.given(), shown=filters.cursor, following=found["next_cursor"]),
    )


@router.get("/payments/{payment_id}")
async def show_payment(
    *,
    request: Request,
    visitor: Reader,
    payment_id: str,
    as_of: str = "",
    version: str = "",
    min_position: str = "",
    done: str = "",
    events_after: str = "",
) -> Response:
    """Show a payment as it is, or as it was at a moment or after its event of a number."""
    office = office_of(request)
    path = f"/payments/{segment(payment_id)}"
    place = _present({"as_of": _end_of_second(as_of), "version": version})
    if not place:
        place = _present({"min_position": min_position})
    events = {"limit": str(_EVENTS), **_present({"cursor": events_after})}
    if "min_position" in place:
        events["min_position"] = min_position
    is_behind = False
    try:
        payment, timeline = await _read(office.query_api, path, place, events)
    except ApiRefused as refused:
        if refused.status == _NOT_FOUND and "as_of" in place:
            await office.query_api.get(path)
            raise NotThereYet(refused.detail) from refused
        if refused.code != "projection_behind":
            raise
        # What was accepted must not look as if it had failed: show what there is, and say so.
        is_behind = True
        payment, timeline = await _read(office.query_api, path, {}, {"limit": str(_EVENTS)})
    shown = payment.body
    is_past = "as_of" in place or "version" in place
    entries = [entry_of(event, shown["currency"]) for event in timeline.body["data"]]
    if is_past:
        entries = [entry for entry in entries if entry.version <= shown["version"]]
    following = timeline.body["next_cursor"]
    return page(
        request,
        "payments/show.html",
        visitor,
        payment=shown,
        sentence=state.sentence(shown),
        tone=state.tone(shown),
        bar=state.bar(shown),
        refunds=[(refund, state.refund_sentence(refund)) for refund in shown["refunds"]],
        for_customer=customer_sentence(shown["last_error"]) if shown["last_error"] else "",
        actions=() if is_past or is_behind else tuple(each for each in state.actions(shown) if visitor.may(each)),
        is_moving=(state.is_moving(shown) or is_behind) and not is_past,
        is_behind=is_behind,
        refresh=with_query(path, place) if is_behind else path,
        is_past=is_past,
        as_of=as_of,
        moment_shown=_in_utc(place.get("as_of", "")),
        entries=entries,
        stripe_events=_stripe_events_address(shown, entries),
        more_events=with_query(path, {**place, "events_after": following}) if following else None,
        notice=_NOTICES.get(done, ""),
        dashboard=office.stripe_dashboard,
    )


async def _read(
    query_api: Api, path: str, place: dict[str, str], events: dict[str, str]
) -> tuple[ApiAnswer, ApiAnswer]:
    return await asyncio.gather(query_api.get(path, place), query_api.get(f"{path}/events", events))


def _end_of_second(written: str) -> str:
    """Return a moment that may be copied from a page, which shows no part of a second, as the end of that second."""
    text = written.strip()
    text = f"{text.removesuffix('UTC').rstrip()}Z" if text.endswith("UTC") else text
    found = _SECOND.fullmatch(text)
    return f"{found[1]}.999999{found[2] or ''}" if found else text


def _in_utc(written: str) -> str:
    """Return a moment with its zone said; one without a zone is of UTC, as the API takes it."""
    try:
        at = datetime.fromisoformat(written)
        return moment((at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat())
    except (ValueError, OverflowError):
        return written


def _present(parameters: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if value}


def _stripe_events_address(payment: Json, entries: Sequence[Entry]) -> str | None:
    """Return the address of what Stripe told of the payment's objects; None: it has none there yet.

    Stripe's events are listed from a position back: from behind the payment's last event that is shown.
    """
    named = [payment["stripe_payment_intent_id"] or "", *(each.text for entry in entries for each in entry.details)]
    objects = dict.fromkeys(each for each in named if _OBJECT.fullmatch(each))
    if not objects or not entries:
        return None
    behind = entries[-1].position + _WEBHOOKS_COME_WITHIN
    return with_query("/stripe-events", [*(("about", each) for each in objects), ("before", str(behind))])
