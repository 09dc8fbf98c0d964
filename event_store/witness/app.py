"""The HTTP interface of a witness: `POST /add-checkpoint`, and what it has signed last of a log."""

import asyncio
from http import HTTPStatus

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from event_store.proofs.witness_protocol import MOST_BYTES, PATH
from event_store.witness import metrics
from event_store.witness.state import StateUnusable
from event_store.witness.witness import TEXT, Answer, Witness
from infra.process.health import Health, health_routes

log = structlog.get_logger(__name__)

_UNUSABLE = Answer(status=HTTPStatus.SERVICE_UNAVAILABLE, text="not now\n")


def build_app(witness: Witness, health: Health) -> Starlette:
    """Return the application."""

    async def add_checkpoint(request: Request) -> Response:
        content = bytearray()
        async for some in request.stream():
            content += some
            if len(content) > MOST_BYTES:
                return _response(Answer(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text="it is too long\n"))
        try:
            answer = await asyncio.to_thread(witness.add_checkpoint, bytes(content))
        except StateUnusable as error:
            log.error("witness_state_unusable", error=str(error))  # noqa: TRY400 - where it was raised says nothing
            answer = _UNUSABLE
        return _response(answer)

    async def newest(request: Request) -> Response:
        try:
            note = await asyncio.to_thread(witness.newest, request.path_params["origin"])
        except StateUnusable:
            return Response(_UNUSABLE.text, _UNUSABLE.status, media_type=TEXT)
        if note is None:
            return Response("nothing is signed of such a log\n", HTTPStatus.NOT_FOUND, media_type=TEXT)
        return Response(note, media_type=TEXT, headers={"Cache-Control": "no-store"})

    routes = [
        Route(PATH, add_checkpoint, methods=["POST"]),
        Route("/checkpoint/{origin:path}", newest),
        *health_routes(health),
    ]
    return Starlette(routes=routes)


def _response(answer: Answer) -> Response:
    metrics.REQUESTS.labels(str(int(answer.status))).inc()
    return Response(answer.text, answer.status, headers={"Content-Type": answer.content_type})
