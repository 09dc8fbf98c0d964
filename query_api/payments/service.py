"""The reads of payments: from parameters to a response."""

from dataclasses import dataclass

from starlette.responses import Response

from domain.ids import MerchantId, PaymentId
from infra.access.principal import Principal
from infra.postgres.pool import Connection, Pool
from projections.payment_timeline import read as timeline
from projections.payment_timeline.read import StoredEntry
from projections.payments import read as payments
from projections.payments.as_of import AsOf, find_as_of, is_encrypted, with_personal_data_of
from projections.payments.read import StoredPayment
from query_api.cursors import decode_key, decode_version, encode_key, encode_version
from query_api.freshness import Freshness
from query_api.parameters import PageParameters
from query_api.payments import render
from query_api.payments.errors import history_not_configured, payment_not_found, payment_not_there_yet
from query_api.payments.parameters import PaymentCountParameters, PaymentListParameters
from query_api.responses import json_response, page, page_response, versioned_response


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentReads:
    """What the routes work with; an application keeps it as `app.state.payments`."""

    pool: Pool
    freshness: Freshness
    history: Pool | None = None
    """Reads the log; None: what payments were is not shown."""

    async def payment(
        self, principal: Principal, payment_id: PaymentId, min_position: int, if_none_match: str | None
    ) -> Response:
        """Answer with one payment, or 304 when the client has this version of it. Raises Problem."""

        async def find(conn: Connection) -> StoredPayment | None:
            return await payments.find(conn, merchant_id=MerchantId(principal.merchant_id), payment_id=payment_id)

        async with self.pool.connection() as conn:
            stored = await find(conn)
        # Most often the payment itself has the position. If not, it may be the position of another payment.
        if min_position and (stored is None or stored.position < min_position):
            stored = await self.freshness.read(min_position, find)
        return _answer(stored, if_none_match)

    async def payment_as_of(
        self, principal: Principal, payment_id: PaymentId, place: AsOf, if_none_match: str | None
    ) -> Response:
        """Answer with what a payment was there. Raises Problem."""
        if self.history is None:
            raise history_not_configured()
        async with self.history.connection() as conn:
            merchant_id = MerchantId(principal.merchant_id)
            stored = await find_as_of(conn, merchant_id=merchant_id, payment_id=payment_id, as_of=place)
            if stored is None and place.moment is not None:
                begun = await find_as_of(conn, merchant_id=merchant_id, payment_id=payment_id, as_of=AsOf(version=1))
                if begun is not None:
                    raise payment_not_there_yet(begun.updated_at)
        if stored is not None:
            stored = with_personal_data_of(stored, await self._now(merchant_id, stored))
        return _answer(stored, if_none_match)

    async def _now(self, merchant_id: MerchantId, stored: StoredPayment) -> StoredPayment | None:
        """Return a payment as the read model has it, which has to have it where the log alone says `[encrypted]`."""

        async def find(conn: Connection) -> StoredPayment | None:
            return await payments.find(conn, merchant_id=merchant_id, payment_id=stored.payment_id)

        async with self.pool.connection() as conn:
            now = await find(conn)
        if now is None and is_encrypted(stored):
            now = await self.freshness.read(stored.position, find)
        return now

    async def payments(self, principal: Principal, parameters: PaymentListParameters, min_position: int) -> Response:
        """Answer with a page of the merchant's payments, newest first. Raises Problem."""
        after = decode_key(parameters.cursor) if parameters.cursor is not None else None

        async def read_page(conn: Connection) -> tuple[int, list[StoredPayment]]:
            position = await payments.newest_position(conn)  # first: the page may only be fresher than it says
            found = await payments.page(
                conn,
                merchant_id=MerchantId(principal.merchant_id),
                filters=parameters.filters(),
                after=after,
                limit=parameters.limit + 1,
            )
            return position, found

        position, found = await self.freshness.read(min_position, read_page)
        return page_response(found, parameters.limit, encode=encode_key, render=render.payment, position=position)

    async def count(self, principal: Principal, parameters: PaymentCountParameters, min_position: int) -> Response:
        """Answer with how many of the merchant's payments there are, up to a limit. Raises Problem."""

        async def read_count(conn: Connection) -> tuple[int, int]:
            position = await payments.newest_position(conn)
            found = await payments.count(
                conn,
                merchant_id=MerchantId(principal.merchant_id),
                filters=parameters.filters(),
                at_most=parameters.at_most + 1,
            )
            return position, found

        position, found = await self.freshness.read(min_position, read_count)
        has_more = found > parameters.at_most
        return json_response({"count": min(found, parameters.at_most), "has_more": has_more}, position=position)

    async def timeline(
        self, principal: Principal, payment_id: PaymentId, parameters: PageParameters, min_position: int
    ) -> Response:
        """Answer with a page of a payment's events, oldest first. Raises Problem."""
        after = decode_version(parameters.cursor) if parameters.cursor is not None else 0

        async def entries(conn: Connection, after: int, limit: int) -> list[StoredEntry]:
            return await timeline.page(
                conn,
                merchant_id=MerchantId(principal.merchant_id),
                payment_id=payment_id,
                after_version=after,
                limit=limit,
            )

        async def read_page(conn: Connection) -> tuple[list[StoredEntry], bool]:
            found = await entries(conn, after, parameters.limit + 1)
            if found or (after and await entries(conn, 0, 1)):
                return found, True
            # A payment has an event from its first moment: one without any is not there, or retention has removed them.
            merchant_id = MerchantId(principal.merchant_id)
            return found, await timeline.is_removed(conn, merchant_id=merchant_id, payment_id=payment_id)

        found, is_there = await self.freshness.read(min_position, read_page)
        if not is_there:
            raise payment_not_found()
        shown = found[: parameters.limit]
        cursor = encode_version(shown[-1].version) if len(found) > len(shown) else None
        position = shown[-1].position if shown else None
        return json_response(page([render.entry(row) for row in shown], cursor), position=position)


def _answer(stored: StoredPayment | None, if_none_match: str | None) -> Response:
    """Answer with a payment, or 304 when the client has this version of it. Raises Problem."""
    if stored is None:
        raise payment_not_found()
    return versioned_response(render.payment(stored), stored.version, if_none_match, position=stored.position)
