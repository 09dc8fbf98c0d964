"""The reads of payouts: from parameters to a response."""

from dataclasses import dataclass

from starlette.responses import Response

from domain.ids import PayoutId
from infra.postgres.pool import Pool
from projections.payouts import read as payouts
from projections.payouts.read import StoredPayout
from query_api.cursors import decode_payout, encode_payout
from query_api.errors import projection_not_built
from query_api.payouts.errors import payout_not_found
from query_api.payouts.parameters import PayoutListParameters
from query_api.responses import Json, json_response, page_response
from schemas.http.times import timestamp


@dataclass(frozen=True, kw_only=True, slots=True)
class PayoutReads:
    """What the routes work with; an application keeps it as `app.state.payouts`."""

    pool: Pool

    async def payouts(self, parameters: PayoutListParameters) -> Response:
        """Answer with a page of payouts, newest first. Raises Problem."""
        after = decode_payout(parameters.cursor) if parameters.cursor is not None else None
        async with self.pool.connection() as conn:
            if not await payouts.is_built(conn):
                raise projection_not_built("payouts")
            position = await payouts.newest_position(conn)  # first: the page may only be fresher than it says
            found = await payouts.page(conn, filters=parameters.filters(), after=after, limit=parameters.limit + 1)
        return page_response(found, parameters.limit, encode=encode_payout, render=_payout, position=position)

    async def payout(self, payout_id: PayoutId) -> Response:
        """Answer with one payout. Raises Problem."""
        async with self.pool.connection() as conn:
            found = await payouts.find(conn, payout_id)
        if found is None:
            raise payout_not_found()
        return json_response(_payout(found), position=found.position)


def _payout(stored: StoredPayout) -> Json:
    """Return the members of `PayoutView`."""
    return {
        "id": stored.payout_id,
        "amount": stored.amount,
        "currency": stored.currency,
        "status": stored.status,
        "automatic": stored.automatic,
        "failure_code": stored.failure_code,
        "arrival_date": stored.arrival_date,
        "created_at": timestamp(stored.created_at),
        "version": stored.version,
        "updated_at": timestamp(stored.updated_at),
    }
