"""The endpoints of personal data. Erasing again does what was left, so that there is no Idempotency-Key."""

from typing import Annotated

import orjson
import structlog
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from command_api.errors import CommandError, problem_of
from command_api.headers import ACTOR_HEADER, read_actor
from command_api.privacy.documentation import documented
from command_api.privacy.service import PersonalDataService, at_stripe
from command_api.request_body import read_body
from domain.ids import MerchantId
from event_store.privacy.erase import Order
from infra.access.principal import NO_MERCHANT, Principal
from infra.http.auth import authenticated
from infra.http.problems import Problem
from infra.http.query_string import refuse_repeated
from schemas.http.privacy import ErasureAnswer, ErasureBody, Name, UserDataPreview, UserExport, UserExportBody
from schemas.personal import Subject

log = structlog.get_logger(__name__)

router = APIRouter(tags=["privacy"])

_may_look, _may_act = authenticated("admin:read"), authenticated("admin:write")
_HEADERS = {"Cache-Control": "no-store"}


class PreviewParameters(BaseModel):
    """Whose data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    user_id: Annotated[Name, Field(description="Whose data.")]
    merchant_id: Annotated[Name | None, Field(description="Whose user; left out with a key of a merchant.")] = None


@router.get("/privacy/user-data", **documented(UserDataPreview, "What an erasure would reach now, and what not"))
async def get_user_data(
    request: Request,
    principal: Annotated[Principal, Depends(_may_look)],
    parameters: Annotated[PreviewParameters, Query()],
) -> Response:
    """Show what an erasure of a user would reach, and what not. It reads the whole log, as the erasure does."""
    await refuse_repeated(request)
    subject = _subject(principal, parameters.merchant_id, parameters.user_id)
    found = await _service(request).preview(subject)
    return _answer(
        {
            "merchant_id": subject.merchant_id,
            "user_id": subject.user_id,
            "payments": len(found.found.payments),
            "split_payments": len(found.found.split_payments),
            "under_way": len(found.found.under_way),
            "in_clear": found.in_clear,
            "at_stripe": at_stripe(found.found.references),
        }
    )


@router.post("/privacy/erasures", **documented(ErasureAnswer, "It is erased; the receipt", ErasureBody))
async def create_erasure(request: Request) -> Response:
    """Erase the personal data of a user for ever, by destroying the keys that it is encrypted with.

    Answered when what other processes may have written meanwhile is found as well, which takes some seconds.
    """
    principal = await _may_act(request, None)
    try:
        actor = read_actor(request.headers.getlist(ACTOR_HEADER), principal)
        body = (await read_body(request, ErasureBody)).parsed
    except CommandError as error:
        raise problem_of(error) from error
    order = Order(subject=_subject(principal, body.merchant_id, body.user_id), actor=actor, reason=body.reason)
    done = await _service(request).erase(order, force=bool(body.force))
    return _answer(
        {
            "id": done.receipt.erasure_id,
            "keys": len(done.receipt.keys),
            "payments": len(done.found.streams),
            "in_clear": done.receipt.in_clear,
            "webhook_answers": done.receipt.webhook_answers,
            "at_stripe": at_stripe(done.found.references),
            "position": done.position,
        }
    )


@router.post("/privacy/exports", **documented(UserExport, "Everything about the user, in clear", UserExportBody))
async def create_user_export(request: Request) -> Response:
    """Hand out everything about a user, in clear; that it is handed out is recorded before."""
    principal = await _may_act(request, None)
    try:
        actor = read_actor(request.headers.getlist(ACTOR_HEADER), principal)
        body = (await read_body(request, UserExportBody)).parsed
    except CommandError as error:
        raise problem_of(error) from error
    order = Order(subject=_subject(principal, body.merchant_id, body.user_id), actor=actor, reason=body.reason)
    return _answer(await _service(request).export(order))


def _subject(principal: Principal, merchant_id: str | None, user_id: str) -> Subject:
    """Return whose data is meant: with a key of a merchant, that merchant's. Raises Problem."""
    own = None if principal.merchant_id == NO_MERCHANT else principal.merchant_id
    if own is not None and merchant_id not in {None, own}:
        raise Problem(403, "forbidden", "Forbidden", "This API key is of another merchant.")
    whose = own or merchant_id
    if whose is None:
        raise Problem(422, "invalid_request", "Invalid request", "merchant_id is missing: the key is of no merchant.")
    return Subject.user(MerchantId(whose), user_id)


def _service(request: Request) -> PersonalDataService:
    service = request.app.state.personal_data
    assert isinstance(service, PersonalDataService)
    return service


def _answer(body: object) -> Response:
    return Response(orjson.dumps(body, default=str), headers=_HEADERS, media_type="application/json")
