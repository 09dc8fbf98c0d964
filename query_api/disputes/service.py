"""The reads of disputes: from parameters to a response."""

from dataclasses import dataclass

from starlette.responses import Response

from domain.ids import MerchantId
from infra.access.principal import Principal
from infra.postgres.pool import Connection, Pool
from projections.disputes import read
from projections.disputes.read import StoredDispute
from projections.payments.read import newest_position
from query_api.cursors import decode_dispute, encode_dispute
from query_api.disputes.parameters import DisputeListParameters
from query_api.freshness import Freshness
from query_api.responses import Json, page_response
from schemas.http.times import timestamp


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputeReads:
    """What the route works with; an application keeps it as `app.state.disputes`."""

    pool: Pool
    freshness: Freshness

    async def disputes(self, principal: Principal, parameters: DisputeListParameters, min_position: int) -> Response:
        """Answer with a page of the merchant's disputes, the most urgent first. Raises Problem."""
        after = decode_dispute(parameters.cursor) if parameters.cursor is not None else None

        async def read_page(conn: Connection) -> tuple[int, list[StoredDispute]]:
            position = await newest_position(conn)  # first: the page may only be fresher than it says
            found = await read.page(
                conn,
                merchant_id=MerchantId(principal.merchant_id),
                filters=parameters.filters(),
                after=after,
                limit=parameters.limit + 1,
            )
            return position, found

        position, found = await self.freshness.read(min_position, read_page)
        return page_response(found, parameters.limit, encode=encode_dispute, render=_rendered, position=position)


def _rendered(stored: StoredDispute) -> Json:
    """Return the members of `ListedDispute`."""
    return {
        "id": stored.dispute_id,
        "status": stored.status,
        "reason": stored.reason,
        "amount_cents": stored.amount_cents,
        "currency": stored.currency,
        "evidence_due_by": stored.evidence_due_by,
        "funds": stored.funds,
        "payment_id": stored.payment_id,
        "user_id": stored.user_id,
        "payment_amount_cents": stored.payment_amount_cents,
        "payment_currency": stored.payment_currency,
        "payment_created_at": timestamp(stored.payment_created_at),
        "version": stored.version,
        "updated_at": timestamp(stored.updated_at),
    }
