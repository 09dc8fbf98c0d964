"""A payment's page hears at once that the payment changed: server-sent events, as long as the page is open and seen.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from fastapi import APIRouter, Request, Response
from prometheus_client import Gauge
from starlette.responses import StreamingResponse

from back_office.apis.client import Api
from back_office.apis.errors import ApiAway, ApiRefused
from back_office.office import Office, office_of
from back_office.payments.streams import Streams
from back_office.staff.roles import Permission, may
from back_office.web.addresses import segment
from back_office.web.visitor import cookie_name, still_open

OPEN = Gauge("back_office_streams_open", "Pages that are told when their payment changes")

router = APIRouter()

_EVERY_S = 1.0
_LONGEST_S = 600.0
"""Then the page connects again: a stream holds nothing for ever."""
_ALIVE_EVERY = 15
"""Of how many looks one says that the stream lives, so that no proxy ends it."""


@router.get("/payments/{payment_id}/live")
async def follow_payment(request: Request, payment_id: str, version: str = "") -> Response:
    """Tell when the payment is of another version. No log-in is asked for here: a script asks, and nobody sees it."""
    office = office_of(request)

    async def is_allowed() -> bool:
        return await _is_allowed(office, request)

    if not await is_allowed():
        return Response(status_code=401)
    if office.streams.open >= office.streams.most:
        return Response(status_code=503, headers={"Retry-After": "30"})
    known = int(version) if version.isdecimal() and version.isascii() and len(version) < len(str(2**31)) else 0
    events = changes(office.query_api, f"/payments/{segment(payment_id)}", known, is_allowed=is_allowed)
    return StreamingResponse(_counted(office.streams, events), media_type="text/event-stream")


async def changes(
    query_api: Api, path: str, known: int, *, is_allowed: Callable[[], Awaitable[bool]], every_s: float = _EVERY_S
) -> AsyncIterator[str]:
    """Yield an event for each new version, until the time is over or the session is."""
    yield ": open\n\n"
    for look in range(1, round(_LONGEST_S / every_s)):
        await asyncio.sleep(every_s)
        if not await is_allowed():
            return
        try:
            newer = await query_api.newer(path, known)
        except (ApiAway, ApiRefused):
            newer = None  # the page has what it has; it is asked again
        if newer is not None and newer != known:
            known = newer
            yield f"event: changed\ndata: {known}\n\n"
        elif look % _ALIVE_EVERY == 0:
            yield ": alive\n\n"


async def _counted(streams: Streams, events: AsyncIterator[str]) -> AsyncIterator[str]:
    streams.open += 1
    OPEN.inc()
    try:
        async for event in events:
            yield event
    finally:
        streams.open -= 1
        OPEN.dec()


async def _is_allowed(office: Office, request: Request) -> bool:
    """Whether the session is open. To follow a payment is no use of it: a page left open must not keep it alive."""
    session = await still_open(office, office.sessions.peek(request.cookies.get(cookie_name(office), "")))
    return session is not None and may(session.account.role, Permission.SEE_PAYMENTS)
