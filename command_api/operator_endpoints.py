"""What this application lends to the endpoints that other parts declare (`infra.http.operations`)."""

from collections.abc import Sequence
from typing import TypeVar

from pydantic import BaseModel
from starlette.requests import Request

from command_api.errors import CommandError, problem_of
from command_api.headers import ACTOR_HEADER, read_actor
from command_api.request_body import read_body
from infra.access.principal import Principal
from infra.errors import InfraError, Missing
from infra.http.operations import AccessLogin, AccessNotConfigured, Limit, Operations
from infra.http.problems import Problem
from infra.postgres.pool import Pool

Model = TypeVar("Model", bound=BaseModel)


def operations(
    pool: Pool,
    *,
    timeout_s: float,
    kafka_topic_partitions: int,
    access: AccessLogin | None = None,
    limits: Sequence[Limit] = (),
) -> Operations:
    """Return it."""
    return Operations(
        pool=pool,
        timeout_s=timeout_s,
        read_body=_read_body,
        actor_of=_actor_of,
        problem_of=_problem_of,
        kafka_topic_partitions=kafka_topic_partitions,
        access=access,
        limits=limits,
    )


def _problem_of(error: InfraError) -> Problem:
    if isinstance(error, AccessNotConfigured):
        return Problem(501, "access_not_configured", "Not possible here", str(error))
    if isinstance(error, Missing):
        return Problem(404, "not_found", "Not found", str(error))
    return Problem(409, "operation_refused", "It cannot be done", str(error))


async def _read_body(request: Request, model: type[Model], /) -> Model:
    try:
        return (await read_body(request, model)).parsed
    except CommandError as error:
        raise problem_of(error) from error


def _actor_of(request: Request, principal: Principal) -> str:
    try:
        return read_actor(request.headers.getlist(ACTOR_HEADER), principal)
    except CommandError as error:
        raise problem_of(error) from error
