"""Query strings that are refused: a misspelt filter must not become "no filter", nor an amount in one be ignored."""

from collections import Counter
from collections.abc import Collection

from fastapi import Request
from fastapi.exceptions import RequestValidationError

_MAX_NAME_CHARS = 64
_MAX_ERRORS = 20


async def refuse_repeated(request: Request) -> None:
    """FastAPI dependency: refuse a parameter that is there twice, of which only the last would count."""
    refuse_repeats(request)


def refuse_repeats(request: Request, *, besides: Collection[str] = ()) -> None:
    """Raise RequestValidationError for a parameter that is there twice, but for those that are lists."""
    counted = Counter(name for name, _ in request.query_params.multi_items() if name not in besides)
    _refuse([name for name, count in counted.items() if count > 1], "must be given once")


async def refuse_all(request: Request) -> None:
    """FastAPI dependency of what has no parameters."""
    refuse_query_string(request)


def refuse_query_string(request: Request) -> None:
    """Raise RequestValidationError for any parameter."""
    _refuse(list(request.query_params), "is not a known parameter")


def _refuse(names: list[str], message: str) -> None:
    if names:
        details = [{"type": "parameter", "loc": ("query", name[:_MAX_NAME_CHARS]), "msg": message} for name in names]
        raise RequestValidationError(details[:_MAX_ERRORS])
