"""A merchant's view of its finance: from the key's merchant and parameters to a response."""

from dataclasses import dataclass

from starlette.responses import Response

from domain.ids import MerchantId
from infra.access.principal import Principal
from infra.postgres.pool import Pool
from projections.ledger import read as ledger
from projections.reconciliation import read as reconciliation
from query_api.cursors import decode_day, decode_entry_key, encode_day, encode_entry_key
from query_api.ledger import render as ledger_render
from query_api.ledger.parameters import BalanceParameters
from query_api.ledger.service import summary_response
from query_api.merchant import render
from query_api.merchant.parameters import MerchantDiscrepancyParameters, MerchantEntryParameters
from query_api.responses import page_response


@dataclass(frozen=True, kw_only=True, slots=True)
class MerchantReads:
    """What the routes work with; an application keeps it as `app.state.merchant`."""

    pool: Pool

    async def balances(
        self, principal: Principal, parameters: BalanceParameters, if_none_match: str | None
    ) -> Response:
        """Answer with the balance of every account, or 304 when the client has it."""
        async with self.pool.connection() as conn:
            position = await ledger.newest_position(conn)  # first: the answer may only be fresher than it says
            found = await ledger.balances_of_merchant(conn, _merchant(principal), as_of=parameters.as_of)
        return summary_response(ledger_render.balances(found, parameters.as_of), position, if_none_match)

    async def entries(self, principal: Principal, parameters: MerchantEntryParameters) -> Response:
        """Answer with a page of entries, newest first. Raises Problem."""
        after = decode_entry_key(parameters.cursor) if parameters.cursor is not None else None
        filters, limit = parameters.filters(), parameters.limit
        async with self.pool.connection() as conn:
            position = await ledger.newest_position(conn)
            found = await ledger.entries_of_merchant(
                conn, _merchant(principal), filters=filters, after=after, limit=limit + 1
            )
        return page_response(found, limit, encode=encode_entry_key, render=ledger_render.entry, position=position)

    async def discrepancies(self, principal: Principal, parameters: MerchantDiscrepancyParameters) -> Response:
        """Answer with a page of discrepancies, newest day first. Raises Problem."""
        after = decode_day(parameters.cursor) if parameters.cursor is not None else None
        filters, limit = parameters.filters(), parameters.limit
        async with self.pool.connection() as conn:
            position = await reconciliation.newest_position(conn)
            found = await reconciliation.discrepancies_of_merchant(
                conn, _merchant(principal), filters=filters, after=after, limit=limit + 1
            )
        return page_response(found, limit, encode=encode_day, render=render.discrepancy, position=position)


def _merchant(principal: Principal) -> MerchantId:
    return MerchantId(principal.merchant_id)
