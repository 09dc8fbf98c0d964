"""The endpoints with which operators see dead letters, have them replayed, or discard one."""

from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.convertors import Convertor, register_url_convertor

from event_store.privacy.masking import masked_value
from infra.http.operations import READ, WRITE, answer, documented, operation_of, operator_of
from infra.kafka.consumer.dead_letters.admin import DeadLetterAdmin, Filter
from infra.kafka.consumer.dead_letters.dead_letter import DeadLetter
from infra.log_render import mask_text
from schemas.http.dead_letters import (
    DeadLetterDetail,
    DeadLetterList,
    ReplayAnswer,
    ReplayDeadLetterBody,
    ReplayDeadLettersBody,
)
from schemas.http.operations import OperationAnswer, ReasonBody
from schemas.http.strict import IN_DIGITS, STORABLE, Boolean
from schemas.http.times import timestamp

router = APIRouter(tags=["system"])


class _Id(Convertor[str]):
    """A part of a path that can be an id: shorter than the number of a card, which no answer may repeat."""

    regex = "[0-9]{1,11}"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("dead_letter", _Id())

DeadLetterIdPath = Annotated[str, Path(description="Its id.", json_schema_extra={"format": "int64"})]
_LONGEST_VALUE = 4000


@router.get("/dead-letters", **documented(DeadLetterList, READ))
async def list_dead_letters(
    request: Request,
    consumer: Annotated[str | None, Query(max_length=200, description="Only of this consumer."), STORABLE] = None,
    stream: Annotated[
        str | None, Query(max_length=200, description="Only of this stream: a payment's id."), STORABLE
    ] = None,
    resolved: Annotated[Boolean, Query(description="Also those that were applied or discarded.")] = False,
    limit: Annotated[int, Query(ge=1, le=100, description="How many to list at most."), IN_DIGITS] = 50,
) -> Response:
    """List dead letters, the oldest first."""
    operator = await operator_of(request, READ)
    chosen = Filter(consumer=consumer, stream=stream, resolved=resolved, limit=limit)
    async with operator.operations.connection() as conn:
        found, count = await DeadLetterAdmin(conn).list_dead_letters(chosen)
    return answer({"data": [_dead_letter(each) for each in found], "count": count})


@router.get("/dead-letters/{dead_letter_id:dead_letter}", **documented(DeadLetterDetail, READ, one=True))
async def get_dead_letter(request: Request, dead_letter_id: DeadLetterIdPath) -> Response:
    """Show a dead letter, and all that a replay of it applies."""
    operator = await operator_of(request, READ)
    async with operator.operations.connection() as conn:
        admin, number = DeadLetterAdmin(conn), int(dead_letter_id)
        found = (await admin.load([number]))[number]
        if found.value is not None:
            found = replace(found, value=await masked_value(conn, found.value))
        queue = await admin.open_of_same_stream(number)
    value = None if found.value is None else mask_text(found.value.decode(errors="backslashreplace"))[:_LONGEST_VALUE]
    return answer(_dead_letter(found) | {"value": value, "queue": queue, "lacking": found.lacking})


@router.post(
    "/dead-letters/{dead_letter_id:dead_letter}/replay",
    **documented(
        ReplayAnswer, WRITE, body=ReplayDeadLetterBody, body_required=False, one=True, description="Requested"
    ),
)
async def replay_dead_letter(request: Request, dead_letter_id: DeadLetterIdPath) -> Response:
    """Have a dead letter applied again, and all that is parked behind it, by the running consumer."""
    async with operation_of(request, WRITE, ReplayDeadLetterBody) as call:
        admin, number = DeadLetterAdmin(call.conn), int(dead_letter_id)
        await admin.load([number])
        requested = await admin.request_replay(actor=call.actor, reason=call.body.reason, ids=[number])
    return answer({"count": len(requested), "preview": False, "groups": []})


@router.post(
    "/dead-letters/replay", **documented(ReplayAnswer, WRITE, body=ReplayDeadLettersBody, description="Requested")
)
async def replay_all_dead_letters(request: Request) -> Response:
    """Have the open dead letters of a consumer applied again, all or the oldest; or say how many that would be."""
    async with operation_of(request, WRITE, ReplayDeadLettersBody) as call:
        admin, body = DeadLetterAdmin(call.conn), call.body
        if body.preview:
            found = await admin.preview_replay(body.consumer, limit=body.limit)
            return answer(
                {
                    "count": sum(each.count for each in found),
                    "preview": True,
                    "groups": [asdict(each) for each in found],
                }
            )
        requested = await admin.request_replay(
            actor=call.actor, reason=body.reason, all_of=body.consumer, limit=body.limit
        )
    return answer({"count": len(requested), "preview": False, "groups": []})


@router.post(
    "/dead-letters/{dead_letter_id:dead_letter}/discard",
    **documented(OperationAnswer, WRITE, body=ReasonBody, one=True, description="Done"),
)
async def discard_dead_letter(request: Request, dead_letter_id: DeadLetterIdPath) -> Response:
    """Discard a dead letter: the consumer will never apply it. What is parked behind it waits for a replay."""
    async with operation_of(request, WRITE, ReasonBody) as call:
        await DeadLetterAdmin(call.conn).discard(int(dead_letter_id), actor=call.actor, reason=call.body.reason)
    return answer({"said": "It is discarded."})


def _dead_letter(each: DeadLetter) -> dict[str, Any]:
    """Return the members of `DeadLetterView`."""
    return {
        "id": each.id,
        "status": each.status.value,
        "consumer": each.consumer,
        "topic": each.topic,
        "partition": each.partition,
        "offset": each.kafka_offset,
        "position": each.position,
        "stream": each.stream,
        "reason": each.reason.value,
        "error": mask_text(": ".join(part for part in (each.error_type, each.error) if part)),
        "attempts": each.attempts,
        "failed_at": timestamp(each.failed_at),
        "requested_by": each.requested_by,
        "replay_reason": each.replay_reason,
        "resolved_by": each.resolved_by,
        "resolution": each.resolution,
    }
