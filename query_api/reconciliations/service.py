"""The reads of reconciliations and discrepancies: from parameters to a response."""

from dataclasses import dataclass

from starlette.responses import Response

from domain.ids import DiscrepancyId, RunId
from infra.postgres.pool import Pool
from projections.reconciliation import read
from query_api.cursors import decode_day, encode_day
from query_api.reconciliations import render
from query_api.reconciliations.errors import discrepancy_not_found, reconciliation_not_found
from query_api.reconciliations.parameters import DiscrepancyListParameters, RunListParameters
from query_api.responses import json_response, page_response


@dataclass(frozen=True, kw_only=True, slots=True)
class ReconciliationReads:
    """What the routes work with; an application keeps it as `app.state.reconciliations`."""

    pool: Pool

    async def runs(self, parameters: RunListParameters) -> Response:
        """Answer with a page of reconciliations, newest day first. Raises Problem."""
        after = decode_day(parameters.cursor) if parameters.cursor is not None else None
        async with self.pool.connection() as conn:
            position = await read.newest_position(conn)  # first: the page may only be fresher than it says
            found = await read.runs(conn, filters=parameters.filters(), after=after, limit=parameters.limit + 1)
        return page_response(found, parameters.limit, encode=encode_day, render=render.run, position=position)

    async def run(self, run_id: RunId) -> Response:
        """Answer with one reconciliation. Raises Problem."""
        async with self.pool.connection() as conn:
            found = await read.find_run(conn, run_id)
        if found is None:
            raise reconciliation_not_found()
        return json_response(render.run(found), position=found.position)

    async def discrepancy(self, discrepancy_id: DiscrepancyId) -> Response:
        """Answer with one discrepancy. Raises Problem."""
        async with self.pool.connection() as conn:
            found = await read.find_discrepancy(conn, discrepancy_id)
        if found is None:
            raise discrepancy_not_found()
        return json_response(render.discrepancy(found), position=found.position)

    async def discrepancies(self, parameters: DiscrepancyListParameters) -> Response:
        """Answer with a page of discrepancies, newest day first. Raises Problem."""
        after = decode_day(parameters.cursor) if parameters.cursor is not None else None
        async with self.pool.connection() as conn:
            position = await read.newest_position(conn)
            found = await read.discrepancies(
                conn, filters=parameters.filters(), after=after, limit=parameters.limit + 1
            )
        return page_response(found, parameters.limit, encode=encode_day, render=render.discrepancy, position=position)
