"""The endpoints with which merchants say where they want their events. What they answer with a secret is not cached."""

from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from command_api.errors import CommandError, problem_of
from command_api.request_body import read_body, refuse_body
from command_api.webhook_endpoints import documentation as documents
from command_api.webhook_endpoints import errors, render
from command_api.webhook_endpoints.documentation import documented
from command_api.webhook_endpoints.service import WebhookEndpointService
from infra.access.principal import Principal
from infra.http.auth import authenticated
from infra.http.query_string import refuse_query_string, refuse_repeated
from infra.webhooks_out.endpoints import EndpointWithSecret
from schemas.http.strict import IN_DIGITS, parse_id
from schemas.http.webhook_endpoints import (
    CreateWebhookEndpointBody,
    ReplayWebhooksBody,
    RotateSecretBody,
    UpdateWebhookEndpointBody,
    WebhookDeliveryPage,
    WebhookEndpointList,
    WebhookEndpointView,
    WebhookEndpointWithSecret,
    WebhookReplayAnswer,
    WebhookResendAnswer,
)

router = APIRouter(tags=["webhook endpoints"])

EndpointIdPath = Annotated[str, Path(description="The endpoint's id.", json_schema_extra={"format": "uuid"})]
DeliveryIdPath = Annotated[str, Path(description="The delivery's id.", json_schema_extra={"format": "uuid"})]

_authenticate = authenticated("webhooks:write")
_LARGEST = 2**63 - 1

Model = TypeVar("Model", bound=BaseModel)


class DeliveryParameters(BaseModel):
    """What the list of deliveries takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Literal["pending", "delivered", "failed"] | None = Field(default=None, description="Those of this status.")
    before: Annotated[int, Field(ge=1, le=_LARGEST), IN_DIGITS] | None = Field(
        default=None, description="The `next_before` of the page before."
    )
    limit: Annotated[int, Field(ge=1, le=100, description="How many elements the page has at most."), IN_DIGITS] = 20


async def _service(request: Request) -> tuple[WebhookEndpointService, Principal]:
    principal = await _authenticate(request, None)
    service = request.app.state.webhook_endpoints
    assert isinstance(service, WebhookEndpointService)
    return service, principal


async def _body(request: Request, model: type[Model]) -> Model:
    try:
        return (await read_body(request, model)).parsed
    except CommandError as error:
        raise problem_of(error) from error


@router.post(
    "/webhook-endpoints",
    **documented(
        WebhookEndpointWithSecret,
        {409: documents.EXISTS | documents.TOO_MANY},
        status=201,
        body=CreateWebhookEndpointBody,
        description="Made; the secret is shown this once",
        callbacks=documents.PAYMENT_EVENT,
    ),
)
async def create_webhook_endpoint(request: Request) -> Response:
    """Have the events of your payments sent to a URL, signed.

    It gets what is recorded from now on. Needs no Idempotency-Key: a repeat finds that there is one with this URL.
    """
    service, principal = await _service(request)
    body = await _body(request, CreateWebhookEndpointBody)
    return _with_secret(await service.create(principal.merchant_id, body), status=201)


@router.get("/webhook-endpoints", **documented(WebhookEndpointList))
async def list_webhook_endpoints(request: Request) -> Response:
    """List your endpoints, the oldest first."""
    service, principal = await _service(request)
    refuse_query_string(request)
    found = await service.list_endpoints(principal.merchant_id)
    return _json({"data": [render.endpoint(each) for each in found]})


@router.get("/webhook-endpoints/{endpoint_id}", **documented(WebhookEndpointView, documents.NOT_FOUND))
async def get_webhook_endpoint(request: Request, endpoint_id: EndpointIdPath) -> Response:
    """Show an endpoint."""
    service, principal = await _service(request)
    refuse_query_string(request)
    return _json(render.endpoint(await service.find(principal.merchant_id, endpoint_of(endpoint_id))))


@router.patch(
    "/webhook-endpoints/{endpoint_id}",
    **documented(
        WebhookEndpointView,
        documents.NOT_FOUND,
        {409: documents.EXISTS},
        body=UpdateWebhookEndpointBody,
        is_body_required=False,
    ),
)
async def update_webhook_endpoint(request: Request, endpoint_id: EndpointIdPath) -> Response:
    """Change an endpoint: what is not in the body stays as it is."""
    service, principal = await _service(request)
    subject = endpoint_of(endpoint_id)
    body = await _body(request, UpdateWebhookEndpointBody)
    return _json(render.endpoint(await service.update(principal.merchant_id, subject, body)))


@router.delete(
    "/webhook-endpoints/{endpoint_id}", **documented(None, documents.NOT_FOUND, status=204, description="Deleted")
)
async def delete_webhook_endpoint(request: Request, endpoint_id: EndpointIdPath) -> Response:
    """Delete an endpoint. Nothing is sent to it any more, and its deliveries are forgotten."""
    service, principal = await _service(request)
    refuse_query_string(request)
    await refuse_body(request)
    await service.delete(principal.merchant_id, endpoint_of(endpoint_id))
    return Response(status_code=204)


@router.post(
    "/webhook-endpoints/{endpoint_id}/rotate-secret",
    **documented(
        WebhookEndpointWithSecret,
        documents.NOT_FOUND,
        {409: documents.TOO_MANY_SECRETS},
        body=RotateSecretBody,
        is_body_required=False,
        description="The new secret, shown this once",
    ),
)
async def rotate_webhook_secret(request: Request, endpoint_id: EndpointIdPath) -> Response:
    """Give an endpoint a new secret. For a day, or as you say, the one it replaces signs every message too.

    Those that were replaced before sign until their own time is over: if the answer is lost, rotate again.
    """
    service, principal = await _service(request)
    subject = endpoint_of(endpoint_id)
    body = await _body(request, RotateSecretBody)
    rotated = await service.rotate_secret(principal.merchant_id, subject, body)
    return _with_secret(rotated, status=200)


@router.get(
    "/webhook-endpoints/{endpoint_id}/deliveries",
    **documented(WebhookDeliveryPage, documents.NOT_FOUND, {422: {"invalid_request": "A parameter is not valid"}}),
)
async def list_webhook_deliveries(
    request: Request, endpoint_id: EndpointIdPath, parameters: Annotated[DeliveryParameters, Query()]
) -> Response:
    """List what was sent to an endpoint, and is to be sent, with every attempt; newest events first."""
    service, principal = await _service(request)
    await refuse_repeated(request)
    return _json(await delivery_page(service, principal.merchant_id, endpoint_of(endpoint_id), parameters))


@router.post(
    "/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/resend",
    **documented(
        WebhookResendAnswer,
        documents.NOT_FOUND,
        {404: documents.DELIVERY_NOT_FOUND, 409: documents.DISABLED | documents.IN_FLIGHT},
        status=202,
        description="It is sent once more",
    ),
)
async def resend_webhook(request: Request, endpoint_id: EndpointIdPath, delivery_id: DeliveryIdPath) -> Response:
    """Send a delivery once more, whether it was delivered or failed, with the same `webhook-id`."""
    service, principal = await _service(request)
    refuse_query_string(request)
    await refuse_body(request)
    subject = endpoint_of(endpoint_id)
    if (delivery := parse_id(delivery_id)) is None:
        raise errors.delivery_not_found()
    await service.resend(principal.merchant_id, subject, delivery)
    return _json({"id": delivery, "status": "pending"}, status=202)


@router.post(
    "/webhook-endpoints/{endpoint_id}/replays",
    **documented(
        WebhookReplayAnswer,
        documents.NOT_FOUND,
        {409: documents.DISABLED | documents.UNDER_WAY},
        status=202,
        body=ReplayWebhooksBody,
        description="They are sent once more",
    ),
)
async def replay_webhooks(request: Request, endpoint_id: EndpointIdPath) -> Response:
    """Send once more what was recorded in a time: also what was recorded before there was an endpoint."""
    service, principal = await _service(request)
    subject = endpoint_of(endpoint_id)
    body = await _body(request, ReplayWebhooksBody)
    replay_id = await service.replay(principal.merchant_id, subject, body, actor=f"api:{principal.key_id}")
    return _json({"id": replay_id}, status=202)


async def delivery_page(
    service: WebhookEndpointService, merchant_id: str, endpoint_id: UUID, parameters: DeliveryParameters
) -> render.Json:
    """Return the members of `WebhookDeliveryPage`. Raises Problem."""
    found, attempts = await service.deliveries(
        merchant_id, endpoint_id, status=parameters.status, before=parameters.before, limit=parameters.limit + 1
    )
    page = found[: parameters.limit]
    has_more = len(found) > len(page)
    return {
        "data": [render.delivery(each, attempts[each.delivery_id]) for each in page],
        "has_more": has_more,
        "next_before": page[-1].position if has_more else None,
    }


def endpoint_of(text: str) -> UUID:
    """Return the id that a path names. Raises Problem."""
    found = parse_id(text)
    if found is None:
        raise errors.endpoint_not_found()
    return found


def _with_secret(made: EndpointWithSecret, *, status: int) -> Response:
    answer = render.endpoint(made.endpoint) | {"secret": made.secret}
    return _json(answer, status=status, headers={"Cache-Control": "no-store"})


def _json(answer: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(answer), status_code=status, headers=headers, media_type="application/json")
