"""The endpoints of totals by day."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from infra.access.principal import Principal
from query_api.documentation import documented
from query_api.parameters import Reader
from query_api.router import read_router
from query_api.totals.parameters import DayTotalsParameters
from query_api.totals.service import TotalReads
from schemas.http.totals import LedgerTotals, PaymentTotals

_NOT_BUILT = {503: {"projection_not_built": "After an upgrade: they have to be built first"}}


def payment_totals_routes(reader: Reader) -> APIRouter:
    """Return the route of a merchant's totals; `reader` is the dependency that authenticates the caller."""
    router = read_router("payments")
    errors = {403: {"forbidden": "The API key lacks the scope payments:read"}, **_NOT_BUILT}

    @router.get("/payment-totals", **documented(PaymentTotals, errors))
    async def get_payment_totals(
        *,
        request: Request,
        principal: Annotated[Principal, Depends(reader)],
        parameters: Annotated[DayTotalsParameters, Query()],
    ) -> Response:
        """Show how many payments stand where, by the day on which they were made.

        The numbers are those of the list of payments: a payment that moves on is counted where it stands now.
        """
        return await _reads(request).payments(principal, parameters)

    return router


def ledger_totals_routes(reader: Reader) -> APIRouter:
    """Return the route of the ledger's totals, which are of the whole account."""
    router = read_router("ledger", prefix="/ledger")
    errors = {403: {"forbidden": "The API key lacks the scope finance:read"}}

    @router.get("/totals", **documented(LedgerTotals, errors))
    async def get_ledger_totals(
        *,
        request: Request,
        _: Annotated[Principal, Depends(reader)],
        parameters: Annotated[DayTotalsParameters, Query()],
    ) -> Response:
        """Show what came in, went back and was charged, by the day on which it moved.

        The numbers are those of the ledger's entries. What Stripe converted stands in the currency that was paid, and
        its fee in the balance's.
        """
        return await _reads(request).ledger(parameters)

    return router


def _reads(request: Request) -> TotalReads:
    reads = request.app.state.totals
    assert isinstance(reads, TotalReads)
    return reads
