"""The merchant's webhook endpoints, their deliveries, and resending one."""

from collections.abc import Mapping
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.responses import RedirectResponse

from back_office.apis.errors import ApiRefused
from back_office.office import office_of
from back_office.staff.roles import Permission
from back_office.web.addresses import segment
from back_office.web.templates import page
from back_office.web.visitor import Visitor, requires
from back_office.webhooks.deliveries import DeliveryFilters, deliveries_page
from infra.http.context import request_context

log = structlog.get_logger(__name__)

router = APIRouter()

Looker = Annotated[Visitor, Depends(requires(Permission.SEE_SYSTEM))]
_REFUSED = 409


@router.get("/webhooks")
async def list_endpoints(request: Request, visitor: Looker) -> Response:
    """Show where the merchant has its events sent."""
    found = (await office_of(request).command_api.get("/webhook-endpoints")).body
    return page(request, "webhooks/list.html", visitor, endpoints=found["data"])


@router.get("/webhooks/{endpoint_id}")
async def show_endpoint(
    request: Request, visitor: Looker, endpoint_id: str, filters: Annotated[DeliveryFilters, Query()]
) -> Response:
    """Show an endpoint of the merchant and its deliveries."""
    return await deliveries_page(
        request,
        visitor,
        filters,
        api=office_of(request).command_api,
        endpoint_path=f"/webhook-endpoints/{segment(endpoint_id)}",
        address=f"/webhooks/{segment(endpoint_id)}",
        can_resend=visitor.may(Permission.OPERATE),
    )


def _endpoint_address(request: Request, _: Mapping[str, str]) -> str:
    return f"/webhooks/{segment(request.path_params['endpoint_id'])}"


Operator = Annotated[Visitor, Depends(requires(Permission.OPERATE, form_page=_endpoint_address))]


@router.post("/webhooks/{endpoint_id}/deliveries/{delivery_id}/resend")
async def resend(request: Request, endpoint_id: str, delivery_id: str, visitor: Operator) -> Response:
    """Have a delivery made once more. Raises FormRefused."""
    await visitor.form(request)
    path = f"/webhook-endpoints/{segment(endpoint_id)}/deliveries/{segment(delivery_id)}/resend"
    headers = {"X-Correlation-ID": request_context(request).correlation_id}
    try:
        await office_of(request).command_api.post(path, {}, headers)
        visitor.session.notice = "It is sent once more, with the same webhook-id."
        log.info("staff_webhook_resent", endpoint_id=endpoint_id, delivery_id=delivery_id)
    except ApiRefused as refused:
        if refused.status != _REFUSED:
            raise
        visitor.session.notice = f"It was not sent: {refused.detail}."
    return RedirectResponse(f"/webhooks/{segment(endpoint_id)}", status_code=303)
