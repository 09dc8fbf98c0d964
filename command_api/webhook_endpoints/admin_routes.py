"""The endpoints with which operators see the webhook endpoints of any merchant. Only merchants change them."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from command_api.webhook_endpoints import render
from command_api.webhook_endpoints.documentation import NOT_FOUND
from command_api.webhook_endpoints.routes import DeliveryParameters, EndpointIdPath, delivery_page, endpoint_of
from command_api.webhook_endpoints.service import WebhookEndpointService
from event_store.access.merchants_http import MerchantIdPath, merchant_of
from infra.http.auth import authenticated
from infra.http.operations import READ, answer, documented, operator_of
from infra.http.query_string import refuse_repeated
from schemas.http.webhook_endpoints import WebhookDeliveryPage, WebhookEndpointList, WebhookEndpointView

router = APIRouter(tags=["access"])

_PLACE = "/merchants/{merchant_id}/webhook-endpoints"


@router.get(_PLACE, **documented(WebhookEndpointList, READ, one=True))
async def list_merchant_webhook_endpoints(request: Request, merchant_id: MerchantIdPath) -> Response:
    """List a merchant's webhook endpoints, the oldest first, without their secrets."""
    await merchant_of(request, await operator_of(request, READ), merchant_id)
    found = await _service(request).list_endpoints(merchant_id)
    return answer({"data": [render.endpoint(each) for each in found]})


@router.get(f"{_PLACE}/{{endpoint_id}}", **documented(WebhookEndpointView, READ, more_errors=NOT_FOUND))
async def get_merchant_webhook_endpoint(
    request: Request, merchant_id: MerchantIdPath, endpoint_id: EndpointIdPath
) -> Response:
    """Show a merchant's webhook endpoint."""
    await operator_of(request, READ)
    found = await _service(request).find(_storable(merchant_id), endpoint_of(endpoint_id))
    return answer(render.endpoint(found))


@router.get(
    f"{_PLACE}/{{endpoint_id}}/deliveries",
    **documented(
        WebhookDeliveryPage, READ, more_errors=NOT_FOUND | {422: {"invalid_request": "A parameter is not valid"}}
    ),
)
async def list_merchant_webhook_deliveries(
    request: Request,
    merchant_id: MerchantIdPath,
    endpoint_id: EndpointIdPath,
    parameters: Annotated[DeliveryParameters, Query()],
) -> Response:
    """List what was sent to a merchant's endpoint, and is to be sent, with every attempt; newest events first."""
    await authenticated(READ)(request, None)
    await refuse_repeated(request)
    page = await delivery_page(_service(request), _storable(merchant_id), endpoint_of(endpoint_id), parameters)
    return answer(page)


def _service(request: Request) -> WebhookEndpointService:
    service = request.app.state.webhook_endpoints
    assert isinstance(service, WebhookEndpointService)
    return service


def _storable(merchant_id: str) -> str:
    """Return the id; what PostgreSQL's text cannot hold names nobody."""
    return "" if "\x00" in merchant_id else merchant_id
