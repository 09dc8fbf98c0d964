"""The endpoints of a merchant's view of its finance. The merchant is the key's, and no parameter names another."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from infra.access.principal import Principal
from query_api.ledger.parameters import BalanceParameters
from query_api.merchant.documentation import ETAG, documented
from query_api.merchant.parameters import MerchantDiscrepancyParameters, MerchantEntryParameters
from query_api.merchant.service import MerchantReads
from query_api.parameters import IfNoneMatch, Reader
from query_api.router import read_router
from schemas.http.ledger import LedgerBalances, LedgerEntryPage
from schemas.http.merchant import MerchantDiscrepancyPage


def merchant_routes(reader: Reader) -> APIRouter:
    """Return the routes; `reader` is the dependency that authenticates the caller."""
    router = read_router("merchant", prefix="/merchant")

    @router.get("/ledger/balances", **documented(LedgerBalances, etag=ETAG))
    async def get_merchant_balances(
        *,
        request: Request,
        principal: Annotated[Principal, Depends(reader)],
        parameters: Annotated[BalanceParameters, Query()],
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        """Show what the merchant's payments moved: the balance of every account, in each currency.

        Payouts and Stripe's fees for the whole account are of no one merchant, and not in it.
        """
        return await _reads(request).balances(principal, parameters, if_none_match)

    @router.get("/ledger/entries", **documented(LedgerEntryPage))
    async def list_merchant_entries(
        *,
        request: Request,
        principal: Annotated[Principal, Depends(reader)],
        parameters: Annotated[MerchantEntryParameters, Query()],
    ) -> Response:
        """List the entries of the merchant's payments, newest first. One learned late stands where it happened."""
        return await _reads(request).entries(principal, parameters)

    @router.get("/discrepancies", **documented(MerchantDiscrepancyPage))
    async def list_merchant_discrepancies(
        *,
        request: Request,
        principal: Annotated[Principal, Depends(reader)],
        parameters: Annotated[MerchantDiscrepancyParameters, Query()],
    ) -> Response:
        """List what differs between Stripe and the ledger on the merchant's payments, newest day first."""
        return await _reads(request).discrepancies(principal, parameters)

    return router


def _reads(request: Request) -> MerchantReads:
    reads = request.app.state.merchant
    assert isinstance(reads, MerchantReads)
    return reads
