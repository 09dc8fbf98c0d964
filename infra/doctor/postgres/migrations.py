"""Whether the schema is the one that this code was written for."""

from pathlib import Path

from infra.doctor.finding import Finding
from infra.doctor.postgres.area import AREA

SUBJECT = "migrations"

_VERSIONS = Path(__file__).parents[2] / "migrations" / "versions"
_DIGITS = 4
_MIGRATE = "As the role that owns the database: MIGRATION_DATABASE_URL=postgresql://... paystream migrate"
_MAKE_RUN = "Stop `make run` and start it again: it migrates."


def known_revisions() -> list[str]:
    """Return the revisions of this code, oldest first. Alembic could tell, but takes a second to import."""
    return sorted(path.name[:_DIGITS] for path in _VERSIONS.glob("[0-9]*.py"))


def revision_finding(there: str | None, known: list[str], *, embedded: bool = False) -> Finding:
    """Rate the revision of the database; None: no migration was ever applied."""
    expected = known[-1]
    remedy = _MAKE_RUN if embedded else _MIGRATE
    if there is None:
        return AREA.error(SUBJECT, f"no migration was ever applied; wanted is {expected}", remedy)
    if there == expected:
        return AREA.ok(SUBJECT, f"at {there}, the newest")
    if there in known:
        missing = ", ".join(known[known.index(there) + 1 :])
        return AREA.error(SUBJECT, f"at {there}, wanted is {expected}: {missing} not applied", remedy)
    detail = f"at {there}, which this code does not know; its newest is {expected}"
    return AREA.warning(SUBJECT, detail, "Deploy the processes in the version that the database was migrated for.")


def unreadable() -> Finding:
    """Return that no login that we have may read it."""
    return AREA.skipped(
        SUBJECT,
        "no login of these settings may read public.alembic_version",
        "For this command, set MIGRATION_DATABASE_URL as well; or GRANT to paystream_app USAGE ON SCHEMA public and "
        "SELECT ON alembic_version.",
    )
