"""The reads of totals: from parameters to a response."""

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from domain.ids import MerchantId
from infra.access.principal import Principal
from infra.postgres.pool import Pool
from projections.ledger import read as ledger
from projections.payment_totals import read as payment_totals
from query_api.errors import projection_not_built
from query_api.responses import Json, json_response
from query_api.totals.parameters import DayTotalsParameters


@dataclass(frozen=True, kw_only=True, slots=True)
class TotalReads:
    """What the routes work with; an application keeps it as `app.state.totals`."""

    pool: Pool

    async def payments(self, principal: Principal, parameters: DayTotalsParameters) -> Response:
        """Answer with how many of a merchant's payments stand where, by the day they were made. Raises Problem."""
        async with self.pool.connection() as conn:
            if not await payment_totals.is_built(conn):
                raise projection_not_built("payment_totals")
            position = await payment_totals.newest_position(conn)
            found = await payment_totals.days(
                conn, merchant_id=MerchantId(principal.merchant_id), within=parameters.within()
            )
        data = [
            {
                "date": each.date,
                "currency": each.currency,
                "status": each.status,
                "refusal_code": each.refusal_code or None,
                "payments": each.payments,
                "amount_cents": each.amount,
            }
            for each in found
        ]
        return json_response(_body(parameters, data), position=position)

    async def ledger(self, parameters: DayTotalsParameters) -> Response:
        """Answer with what the ledger says moved, by day."""
        async with self.pool.connection() as conn:
            position = await ledger.newest_position(conn)
            found = await ledger.day_totals(conn, parameters.within())
        data = [
            {
                "date": each.date,
                "currency": each.currency,
                "gross": each.gross,
                "refunds": each.refunds,
                "disputes": each.disputes,
                "fees": each.fees,
                "net": each.net,
            }
            for each in found
        ]
        return json_response(_body(parameters, data), position=position)


def _body(parameters: DayTotalsParameters, data: list[Any]) -> Json:
    return {
        "date_from": parameters.date_from,
        "date_to": parameters.date_to,
        "time_zone": parameters.time_zone,
        "data": data,
    }
