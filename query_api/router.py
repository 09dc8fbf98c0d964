"""What the routes of every part have in common."""

from fastapi import APIRouter, Depends

from infra.http.query_string import refuse_repeated


def read_router(tag: str, *, prefix: str = "") -> APIRouter:
    """Return a router whose routes take each parameter of the query string once."""
    return APIRouter(tags=[tag], prefix=prefix, dependencies=[Depends(refuse_repeated)])
