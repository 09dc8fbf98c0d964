"""The endpoint that tells what a payout pays. It changes nothing, so that it takes no Idempotency-Key."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from command_api.errors import CommandError, problem_of
from command_api.payouts.documentation import DOCUMENTED
from command_api.payouts.stripe_payouts import PayoutItemsUnknown
from command_api.stripe_reads import StripeRefused, problem_of_refusal
from infra.access.principal import Principal
from infra.http.auth import authenticated
from infra.http.query_string import refuse_repeated
from schemas.http.strict import IN_DIGITS

router = APIRouter(tags=["payouts"])

_authenticate = authenticated("finance:read")
_StripeId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,255}$")]


def _transaction_id(text: str) -> str:
    if not text.startswith("txn_"):
        raise ValueError("is not the id of one of Stripe's balance transactions")
    return text


_TransactionId = Annotated[_StripeId, AfterValidator(_transaction_id)]


class PaidTransactionParameters(BaseModel):
    """Which page."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=100, description="How many elements the page has at most."), IN_DIGITS] = 25
    cursor: _TransactionId | None = Field(default=None, description="The `next_cursor` of the page before.")


@router.get("/payouts/{payout_id}/transactions", **DOCUMENTED)
async def list_payout_transactions(
    request: Request,
    _: Annotated[Principal, Depends(_authenticate)],
    payout_id: Annotated[_StripeId, Path(description="Stripe's id of the payout (po_...).")],
    parameters: Annotated[PaidTransactionParameters, Query()],
) -> Response:
    """List the rows of Stripe's balance that an automatic payout pays, newest first.

    They are read from Stripe each time. The ledger's entries of each are those of its `source_id`, in the query API.
    """
    await refuse_repeated(request)
    try:
        if not payout_id.startswith("po_"):
            raise PayoutItemsUnknown
        found = await request.app.state.paid_transactions.page(
            payout_id, after=parameters.cursor, limit=parameters.limit
        )
    except CommandError as error:
        raise problem_of(error) from error
    except StripeRefused as error:
        raise problem_of_refusal(error) from None
    return Response(
        found.model_dump_json(), headers={"Cache-Control": "private, no-cache"}, media_type="application/json"
    )
