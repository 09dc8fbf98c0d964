"""What the pages of the control panel share."""

import orjson
from starlette.requests import Request
from starlette.responses import Response

from infra.stripe_sandbox.operation import OK


async def json_body(request: Request) -> dict[str, object]:
    """Return the JSON object that was sent, or an empty one."""
    try:
        body = orjson.loads(await request.body() or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def json_response(encoded: bytes, status: int = OK) -> Response:
    """Return a JSON answer."""
    return Response(encoded, status_code=status, media_type="application/json")


def error_response(status: int, message: str) -> Response:
    """Return a refusal with a sentence for whoever called."""
    return json_response(orjson.dumps({"error": message}), status)
