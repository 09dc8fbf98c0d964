"""What people decide about discrepancies: explain, resolve, assign. By the command line and over HTTP alike."""

from consumers.reconciliation import discrepancies as record
from consumers.reconciliation.results import NoSuchDiscrepancy, ReconciliationRefused
from domain.errors import DomainError
from domain.ids import DiscrepancyId
from domain.reconciliation.discrepancy import Assign, DiscrepancyCommand, Explain, Resolve
from domain.reconciliation.errors import DiscrepancyNotFound
from event_store.decide import StillConflicting
from event_store.reconciliation import command_discrepancies, metadata
from infra.access.actors import operator_actor
from infra.ids import uuid7
from infra.postgres.pool import Connection
from schemas.errors import SchemaError


async def explain(conn: Connection, discrepancy_id: DiscrepancyId, *, actor: str, reason: str) -> str:
    """Record why a discrepancy may be there. Raises ReconciliationRefused."""
    done = await _command(conn, discrepancy_id, Explain(actor=actor, reason=reason), actor=actor)
    return "It is explained." if done else "It was explained so already."


async def resolve(conn: Connection, discrepancy_id: DiscrepancyId, *, actor: str, reason: str) -> str:
    """Record that a discrepancy is gone. Raises ReconciliationRefused."""
    done = await _command(conn, discrepancy_id, Resolve(actor=actor, reason=reason), actor=actor)
    return "It is resolved. A run that finds it again opens it again." if done else "It was resolved already."


async def assign(
    conn: Connection, discrepancy_id: DiscrepancyId, *, assignee: str | None, actor: str, reason: str | None
) -> str:
    """Record who looks into a discrepancy; None: nobody any more. Raises ReconciliationRefused."""
    command = Assign(assignee=assignee, actor=actor, reason=reason)
    done = await _command(conn, discrepancy_id, command, actor=actor)
    whose = "nobody's" if assignee is None else f"{assignee}'s"
    return f"It is {whose} now." if done else f"It was {whose} already."


async def _command(conn: Connection, discrepancy_id: DiscrepancyId, command: DiscrepancyCommand, *, actor: str) -> bool:
    meta = metadata(correlation_id=f"discrepancy-{uuid7()}", actor=operator_actor(actor))
    try:
        async with conn.transaction():
            decided = await command_discrepancies(conn, {discrepancy_id: command}, meta)
            await record.write_rows(conn, decided)
    except DiscrepancyNotFound as error:
        raise NoSuchDiscrepancy(str(error)) from None
    except DomainError as error:
        raise ReconciliationRefused(str(error)) from None
    except SchemaError as error:
        raise ReconciliationRefused(f"The discrepancy does not allow it: {error.explanation}") from error
    except StillConflicting as error:
        raise ReconciliationRefused("It changed again and again meanwhile. Try again.") from error
    return bool(decided[discrepancy_id].events)
