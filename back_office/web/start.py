"""What somebody sees who asks for no page by name."""

from fastapi import APIRouter
from starlette.responses import RedirectResponse

from back_office.web.addresses import START

router = APIRouter()


@router.get("/")
async def start() -> RedirectResponse:
    """Begin with the list of payments."""
    return RedirectResponse(START, status_code=303)
