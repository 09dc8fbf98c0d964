"""The reads of the ledger: from parameters to a response."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import orjson
from starlette.responses import Response

from infra.postgres.pool import Pool
from projections.ledger import read as ledger
from projections.ledger.read import StoredBalance
from query_api.cursors import decode_entry_key, encode_entry_key
from query_api.ledger import render
from query_api.ledger.parameters import BalanceParameters, EntryParameters
from query_api.responses import Json, page_response, versioned_response


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerReads:
    """What the routes work with; an application keeps it as `app.state.ledger`."""

    pool: Pool

    async def balances(self, parameters: BalanceParameters, if_none_match: str | None) -> Response:
        """Answer with the balance of every account, or 304 when the client has it."""
        return await self._summary(parameters, if_none_match, render.balances)

    async def trial_balance(self, parameters: BalanceParameters, if_none_match: str | None) -> Response:
        """Answer with both sides of every account, or 304 when the client has them."""
        return await self._summary(parameters, if_none_match, render.trial_balance)

    async def entries(self, parameters: EntryParameters) -> Response:
        """Answer with a page of entries, newest first. Raises Problem."""
        after = decode_entry_key(parameters.cursor) if parameters.cursor is not None else None
        async with self.pool.connection() as conn:
            position = await ledger.newest_position(conn)  # first: the page may only be fresher than it says
            found = await ledger.entries(conn, filters=parameters.filters(), after=after, limit=parameters.limit + 1)
        return page_response(found, parameters.limit, encode=encode_entry_key, render=render.entry, position=position)

    async def _summary(
        self,
        parameters: BalanceParameters,
        if_none_match: str | None,
        shown: Callable[[Iterable[StoredBalance], datetime | None], Json],
    ) -> Response:
        async with self.pool.connection() as conn:
            position = await ledger.newest_position(conn)
            found = await ledger.balances(conn, as_of=parameters.as_of)
        return summary_response(shown(found, parameters.as_of), position, if_none_match)


def summary_response(body: Json, position: int, if_none_match: str | None) -> Response:
    """Return balances, or a 304 when the client has them: the same are the same answer, whatever entries led there."""
    version = hashlib.sha256(orjson.dumps(body)).hexdigest()[:32]
    return versioned_response(body, version, if_none_match, position=position)
