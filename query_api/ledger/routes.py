"""The endpoints of the ledger."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response

from infra.access.principal import Principal
from query_api.ledger.documentation import ETAG, documented
from query_api.ledger.parameters import BalanceParameters, EntryParameters
from query_api.ledger.service import LedgerReads
from query_api.parameters import IfNoneMatch, Reader
from query_api.router import read_router
from schemas.http.ledger import LedgerBalances, LedgerEntryPage, TrialBalance

SCOPE: Final = "finance:read"


def ledger_routes(reader: Reader) -> APIRouter:
    """Return the routes; `reader` is the dependency that authenticates the caller."""
    router = read_router("ledger", prefix="/ledger")

    @router.get("/balances", **documented(LedgerBalances, etag=ETAG))
    async def get_ledger_balances(
        *,
        request: Request,
        _: Annotated[Principal, Depends(reader)],
        parameters: Annotated[BalanceParameters, Query()],
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        """Show the balance of every account, in each currency."""
        return await _reads(request).balances(parameters, if_none_match)

    @router.get("/trial-balance", **documented(TrialBalance, etag=ETAG))
    async def get_trial_balance(
        *,
        request: Request,
        _: Annotated[Principal, Depends(reader)],
        parameters: Annotated[BalanceParameters, Query()],
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        """Show both sides of every account, and their totals, which are equal in each currency."""
        return await _reads(request).trial_balance(parameters, if_none_match)

    @router.get("/entries", **documented(LedgerEntryPage))
    async def list_ledger_entries(
        *,
        request: Request,
        _: Annotated[Principal, Depends(reader)],
        parameters: Annotated[EntryParameters, Query()],
    ) -> Response:
        """List entries, newest first. One that is learned late stands where it happened."""
        return await _reads(request).entries(parameters)

    return router


def _reads(request: Request) -> LedgerReads:
    reads = request.app.state.ledger
    assert isinstance(reads, LedgerReads)
    return reads
