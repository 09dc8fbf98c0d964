"""`paystream payments accept`: what operators do about payments of which Stripe says what contradicts the log."""

from uuid import UUID

from infra.cli.at_desk import with_connection
from infra.desk import Desk
from infra.postgres.pool import Connection

_DESK = "stripe-tasks"


def run_accept(payment_id: UUID, *, who: str, reason: str) -> int:
    """Believe Stripe; return the exit code."""

    async def work(desk: Desk, conn: Connection) -> int:
        print(await desk.accept(conn, payment_id, who=who, why=reason))
        return 0

    return with_connection(_DESK, work)
