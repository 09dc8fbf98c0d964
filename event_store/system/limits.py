"""The endpoint that lists the limits of the process."""

from fastapi import APIRouter, Request, Response

from infra.http.operations import READ, answer, documented, operator_of
from schemas.http.access import LimitList

router = APIRouter(tags=["access"])


@router.get("/limits", **documented(LimitList, READ))
async def list_limits(request: Request) -> Response:
    """List the limits that are in force in this process, with the settings that give them."""
    operator = await operator_of(request, READ)
    data = [
        {"setting": each.setting, "value": each.value, "unit": each.unit, "text": each.text}
        for each in operator.operations.limits
    ]
    return answer({"data": data})
