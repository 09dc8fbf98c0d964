"""The endpoint that tells how far each part of the system is."""

from fastapi import APIRouter, Request, Response

from event_store.system.status import system_status
from infra.http.operations import READ, answer, documented, operator_of
from schemas.http.system import SystemView

router = APIRouter(tags=["system"])


@router.get("/system", **documented(SystemView, READ))
async def get_system(request: Request) -> Response:
    """Show how far each part is: the log, Kafka, each projection and partition, and what is stuck."""
    operator = await operator_of(request, READ)
    async with operator.operations.connection() as conn:
        return answer(await system_status(conn, partitions=operator.operations.kafka_topic_partitions))
