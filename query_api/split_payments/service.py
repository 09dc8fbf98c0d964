"""The reads of split payments: from parameters to a response."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from domain.ids import MerchantId, SplitPaymentId
from infra.access.principal import Principal
from infra.postgres.pool import Connection, Pool
from projections.split_payments import read
from projections.split_payments.read import StoredHistoryEntry, StoredSplitPayment
from query_api.cursors import decode_split_payment, encode_split_payment
from query_api.freshness import Freshness
from query_api.responses import page_response, versioned_response
from query_api.split_payments import render
from query_api.split_payments.errors import split_payment_not_found
from query_api.split_payments.parameters import SplitPaymentListParameters


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitPaymentReads:
    """What the routes work with; an application keeps it as `app.state.split_payments`."""

    pool: Pool
    freshness: Freshness

    async def split_payment(
        self, principal: Principal, split_payment_id: SplitPaymentId, min_position: int, if_none_match: str | None
    ) -> Response:
        """Answer with one split payment, or 304 when the client has this version of it. Raises Problem."""

        async def find(conn: Connection) -> tuple[StoredSplitPayment, Sequence[StoredHistoryEntry]] | None:
            stored = await read.find(
                conn, merchant_id=MerchantId(principal.merchant_id), split_payment_id=split_payment_id
            )
            if stored is None:
                return None
            history = await read.history(conn, split_payment_id)
            # The row was read first: what came since is of the next version.
            return stored, [each for each in history if each.version <= stored.version]

        async with self.pool.connection() as conn:
            found = await find(conn)
        if min_position and (found is None or found[0].position < min_position):
            found = await self.freshness.read(min_position, find)
        if found is None:
            raise split_payment_not_found()
        stored, history = found
        body = render.split_payment(stored, history)
        return versioned_response(body, stored.version, if_none_match, position=stored.position)

    async def split_payments(
        self, principal: Principal, parameters: SplitPaymentListParameters, min_position: int
    ) -> Response:
        """Answer with a page of the merchant's split payments, newest first. Raises Problem."""
        after = decode_split_payment(parameters.cursor) if parameters.cursor is not None else None

        async def read_page(conn: Connection) -> tuple[int, list[StoredSplitPayment]]:
            position = await read.newest_position(conn)  # first: the page may only be fresher than it says
            found = await read.page(
                conn,
                merchant_id=MerchantId(principal.merchant_id),
                filters=parameters.filters(),
                after=after,
                limit=parameters.limit + 1,
            )
            return position, found

        position, found = await self.freshness.read(min_position, read_page)
        return page_response(
            found, parameters.limit, encode=encode_split_payment, render=render.summary, position=position
        )
