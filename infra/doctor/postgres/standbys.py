"""Whether a failover loses what was answered for: the standbys of a database that is appended to."""

from collections.abc import Iterator
from dataclasses import dataclass

from infra.doctor.finding import Finding
from infra.doctor.postgres.area import AREA

SUBJECT = "standbys"
_FAR_BEHIND_BYTES = 16 * 1024 * 1024
_SYNCHRONOUS = (
    "Set synchronous_standby_names to a standby, and leave synchronous_commit on: a commit then waits for it. Without "
    "one, a failover loses what it had not sent (docs/runbooks/failover.md)."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Standbys:
    """What the server says. Who is no member of pg_monitor sees how many are connected, and nothing else of them."""

    names: str
    """synchronous_standby_names"""
    commit: str
    """synchronous_commit"""
    connected: int
    synchronous: int | None
    behind_bytes: int | None
    """How far the synchronous one that is furthest ahead has not confirmed; None: hidden, or no standby."""


def standby_findings(standbys: Standbys, *, production: bool) -> Iterator[Finding]:
    """Rate them; where no real money moves, a server may stand alone."""
    summary = f"{standbys.connected} connected, synchronous_standby_names={standbys.names or 'empty'}"
    if not production:
        yield AREA.ok(SUBJECT, f"{summary}: enough for development, production wants a synchronous one")
    elif not standbys.names.strip():
        yield AREA.error(SUBJECT, f"{summary}: no standby has what was committed last", _SYNCHRONOUS)
    elif standbys.commit in {"off", "local"}:
        detail = f"{summary}, synchronous_commit={standbys.commit}: a commit does not wait for it"
        yield AREA.error(SUBJECT, detail, _SYNCHRONOUS)
    elif standbys.connected == 0 or standbys.synchronous == 0:
        detail = f"{summary}: none of them is synchronous now, and every commit waits"
        yield AREA.error(SUBJECT, detail, "Start the standby, or take it out of synchronous_standby_names for a while.")
    elif standbys.behind_bytes is not None and standbys.behind_bytes > _FAR_BEHIND_BYTES:
        detail = f"{summary}: replication is {standbys.behind_bytes / 1024 / 1024:.0f} MiB behind"
        yield AREA.error(SUBJECT, detail, "See the standby's log, its disk, and the network between them.")
    else:
        yield AREA.ok(SUBJECT, summary)
