"""Runs the commands that read the log: what cannot be read of it is an error that names the event, and no traceback."""

from collections.abc import Awaitable, Callable

from domain.payment.errors import BrokenHistory
from infra.cli import execute
from infra.errors import InfraError
from infra.postgres.pool import Connection
from schemas.errors import SchemaError

_REMEDY = "Remedy: use the release that recorded it; or see: paystream audit invariants"


class LogUnreadable(InfraError):
    """An event, or a stream's order of events, makes no sense to this release."""


def run(work: Awaitable[int], *, failed: int = 1) -> int:
    """As `infra.cli.execute.run`."""
    return execute.run(_explained(work), failed=failed)


def run_with_connection(work: Callable[[Connection], Awaitable[int]]) -> int:
    """As `infra.cli.execute.run_with_connection`."""
    return execute.run_with_connection(lambda connection: _explained(work(connection)))


async def _explained(work: Awaitable[int]) -> int:
    try:
        return await work
    except SchemaError as error:
        raise LogUnreadable(f"{error.explanation}. {_REMEDY}") from error
    except BrokenHistory as error:
        raise LogUnreadable(f"the events of a stream make no sense: {error} {_REMEDY}") from error
