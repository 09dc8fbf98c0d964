"""The endpoint of a customer's totals."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from domain.ids import MerchantId, UserId
from infra.access.principal import Principal
from infra.postgres.pool import Pool
from projections.payments import read as payments
from projections.payments.read import CustomerTotal
from query_api.documentation import documented
from query_api.parameters import Reader, Text
from query_api.responses import Json, json_response
from query_api.router import read_router
from schemas.http.customers import CustomerTotals
from schemas.http.times import timestamp

_FORBIDDEN = {403: {"forbidden": "The API key lacks the scope payments:read"}}


class CustomerParameters(BaseModel):
    """Whose."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    user_id: Text[UserId] = Field(description="Who pays, as named when the payments were created.")


def customer_routes(reader: Reader) -> APIRouter:
    """Return the route; `reader` is the dependency that authenticates the caller."""
    router = read_router("payments")

    @router.get("/customer-totals", **documented(CustomerTotals, _FORBIDDEN))
    async def get_customer_totals(
        *,
        request: Request,
        principal: Annotated[Principal, Depends(reader)],
        parameters: Annotated[CustomerParameters, Query()],
    ) -> Response:
        """Show what all payments of a user come to, by currency; of a user without payments, nothing."""
        pool: Pool = request.app.state.payments.pool
        async with pool.connection() as conn:
            position = await payments.newest_position(conn)
            found = await payments.customer_totals(
                conn, merchant_id=MerchantId(principal.merchant_id), user_id=parameters.user_id
            )
        body = {"user_id": parameters.user_id, "data": [_total(each) for each in found]}
        return json_response(body, position=position)

    return router


def _total(stored: CustomerTotal) -> Json:
    return {
        "currency": stored.currency,
        "payments": stored.payments,
        "succeeded": stored.succeeded,
        "amount_captured_cents": stored.captured,
        "amount_refunded_cents": stored.refunded,
        "disputes": stored.disputes,
        "amount_disputed_cents": stored.disputed,
        "first_at": timestamp(stored.first_at),
        "last_at": timestamp(stored.last_at),
    }
