from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from infra.doctor.finding import Status
from infra.doctor.postgres.archiving import Archiving, archiving_finding
from infra.doctor.postgres.capacity import capacity_finding
from infra.doctor.postgres.migrations import known_revisions, revision_finding
from infra.doctor.postgres.rights import NEEDED, Purpose, Rights, rights_finding
from infra.doctor.postgres.server import ServerStatus, reason, refused_connection, server_findings
from infra.doctor.postgres.standbys import Standbys, standby_findings
from infra.doctor.postgres.transactions import transactions_finding
from infra.migrations.runner import head_revision

TABLES = frozenset(table for needed in NEEDED.values() for table in needed)
LOG = "event_store.events"
GRANTED = [Purpose.APP, Purpose.RELAY, Purpose.PROJECTOR, Purpose.QUERY, Purpose.SEALER]


def rights(purpose: Purpose, *, may_append: bool | None = None, tables: frozenset[str] = TABLES, **more: str) -> Rights:
    """The rights of a good login, and `more`: by table, `.` written as `__`."""
    of = dict(NEEDED[purpose])
    for name, extra in more.items():
        table = name.replace("__", ".")
        of[table] = of.get(table, frozenset()) | frozenset(extra.split())
    append = purpose is Purpose.APP if may_append is None else may_append
    return Rights(role="login", tables=tables, of=of, may_append=append, may_recover=purpose is Purpose.RELAY)


@pytest.mark.parametrize("purpose", GRANTED)
def test_a_login_with_just_its_rights_is_fine(purpose: Purpose) -> None:
    assert rights_finding(purpose, rights(purpose), "relay").status is Status.OK


@pytest.mark.parametrize("right", ["INSERT", "UPDATE", "DELETE", "TRUNCATE"])
@pytest.mark.parametrize("purpose", GRANTED)
def test_nobody_may_change_the_log(purpose: Purpose, right: str) -> None:
    found = rights_finding(purpose, rights(purpose, event_store__events=right), "relay")

    assert (found.status, found.detail) == (Status.ERROR, f"relay: may {right} {LOG}")
    assert found.remedy is not None
    assert f"GRANT {purpose} TO" in found.remedy


def test_nor_a_partition_of_it_nor_what_guards_it() -> None:
    many = rights(Purpose.APP, event_store__events_default="INSERT", event_store__idempotency_keys="DELETE")
    detail = rights_finding(Purpose.APP, many, "relay").detail
    assert detail == "relay: may INSERT event_store.events_default; may DELETE event_store.idempotency_keys"


def test_the_query_role_can_only_read() -> None:
    found = rights_finding(Purpose.QUERY, rights(Purpose.QUERY, read_model__payments="UPDATE"), "query-api")
    assert (found.status, found.detail) == (Status.ERROR, "query-api: may UPDATE read_model.payments")


def test_only_the_application_appends() -> None:
    lacking = rights_finding(Purpose.APP, rights(Purpose.APP, may_append=False), "relay, command-api")
    beyond = rights_finding(Purpose.PROJECTOR, rights(Purpose.PROJECTOR, may_append=True), "projector")
    relays = rights_finding(Purpose.RELAY, rights(Purpose.RELAY, may_append=True), "relay")
    reads = rights_finding(Purpose.QUERY, rights(Purpose.QUERY, may_append=True), "query-api")

    assert (lacking.status, lacking.detail) == (
        Status.ERROR,
        "relay, command-api: may not call event_store.append",
    )
    assert (beyond.status, beyond.detail) == (
        Status.WARNING,
        "projector: may call event_store.append, and never does",
    )
    assert (relays.status, relays.detail) == (Status.WARNING, "relay: may call event_store.append, and never does")
    assert (reads.status, reads.detail) == (Status.ERROR, "query-api: may call event_store.append")


def test_a_relay_can_open_a_closed_log_and_nobody_else() -> None:
    lacking = rights_finding(Purpose.RELAY, replace(rights(Purpose.RELAY), may_recover=False), "relay")
    beyond = rights_finding(Purpose.APP, replace(rights(Purpose.APP), may_recover=True), "command-api")

    assert lacking.status is Status.ERROR
    assert lacking.detail == "relay: may not open the log, which stays closed after the next start of PostgreSQL"
    assert lacking.remedy is not None
    assert "GRANT paystream_relay TO" in lacking.remedy
    assert (beyond.status, beyond.detail) == (
        Status.WARNING,
        "command-api: may write events back into the log, and never does",
    )


def test_before_there_is_a_group_of_relays_nothing_is_said_of_their_rights() -> None:
    """Another database of the server may be newer, where relays are members of nothing else."""
    before = Rights(role="login", tables=TABLES, of={}, may_append=False, may_recover=None)
    assert rights_finding(Purpose.RELAY, before, "relay").status is Status.SKIPPED


def test_what_postgresql_lets_anybody_do_is_a_warning() -> None:
    ways = ("connect to the database postgres", "make large objects")
    found = rights_finding(Purpose.QUERY, replace(rights(Purpose.QUERY), other_ways=ways), "query-api")
    assert (found.status, found.detail) == (
        Status.WARNING,
        "query-api: may connect to the database postgres; may make large objects, and never does",
    )


def test_a_projector_with_the_applications_login_is_told_of_its_own_option() -> None:
    found = rights_finding(Purpose.PROJECTOR, Rights(role="app", tables=TABLES, of={}, may_append=False), "projector")
    assert found.status is Status.ERROR
    assert "may not INSERT, SELECT, UPDATE read_model.payments" in found.detail
    assert found.remedy is not None
    assert "paystream doctor --process projector" in found.remedy


def test_without_the_tables_the_migrations_are_what_is_wrong() -> None:
    empty = Rights(role="login", tables=frozenset(), of={}, may_append=False)
    assert rights_finding(Purpose.APP, empty, "relay").status is Status.SKIPPED


def test_the_revisions_are_those_of_alembic() -> None:
    assert known_revisions()[-1] == head_revision()


@pytest.mark.parametrize(
    ("there", "status", "says"),
    [
        ("0003", Status.OK, "at 0003"),
        ("0001", Status.ERROR, "at 0001, wanted is 0003: 0002, 0003 not applied"),
        (None, Status.ERROR, "no migration was ever applied; wanted is 0003"),
        ("0004", Status.WARNING, "does not know"),
    ],
)
def test_the_revision_is_the_newest_that_the_code_knows(there: str | None, status: Status, says: str) -> None:
    found = revision_finding(there, ["0001", "0002", "0003"])
    assert found.status is status
    assert says in found.detail
    if status is Status.ERROR:
        assert found.remedy is not None
        assert "paystream migrate" in found.remedy


@pytest.mark.parametrize(
    ("available", "status"), [(97, Status.OK), (80, Status.OK), (79, Status.WARNING), (39, Status.ERROR)]
)
def test_the_server_has_connections_for_all_pools(available: int, status: Status) -> None:
    assert capacity_finding(available, {"a": 30, "b": 10}).status is status


@pytest.mark.parametrize(
    ("number", "standby", "written", "status"),
    [
        (180006, False, True, Status.OK),
        (160001, False, True, Status.OK),
        (120001, False, True, Status.ERROR),
        (180006, True, True, Status.ERROR),
        (180006, True, False, Status.OK),
    ],
)
def test_a_server_is_new_enough_and_can_be_written(number: int, standby: bool, written: bool, status: Status) -> None:
    server = ServerStatus(version=f"{number // 10000}.1 (Debian)", number=number, standby=standby, seconds=0.001)
    (found,) = server_findings("db:5432/pay", server, written=written)
    assert found.status is status
    assert f"PostgreSQL {number // 10000}.1 at db:5432/pay" in found.detail


def test_a_refused_login_is_told_from_a_server_that_is_away() -> None:
    refused = psycopg.OperationalError('connection to server at "x" failed: FATAL:  password authentication failed')
    away = psycopg.OperationalError("connection failed: Connection refused\n\tIs the server running?")
    assert (refused_connection(refused), refused_connection(away)) == (True, False)
    assert (reason(refused), reason(away)) == (
        "password authentication failed",
        "connection failed: Connection refused",
    )


def test_transactions_that_hold_up_the_log_are_named() -> None:
    assert transactions_finding({}).status is Status.OK
    finding = transactions_finding({"3/7": "pid 7, database d, user u", "-1/9": "a prepared transaction"})
    assert finding.status is Status.ERROR
    assert "pid 7, database d, user u; a prepared transaction" in finding.detail


GOOD = Standbys(names="b", commit="on", connected=1, synchronous=1, behind_bytes=100)


@pytest.mark.parametrize(
    ("standbys", "reason"),
    [
        (replace(GOOD, names=""), "no standby has what was committed last"),
        (replace(GOOD, commit="local"), "a commit does not wait for it"),
        (replace(GOOD, commit="off"), "a commit does not wait for it"),
        (replace(GOOD, connected=0, synchronous=0, behind_bytes=None), "none of them is synchronous now"),
        (replace(GOOD, synchronous=0, behind_bytes=None), "none of them is synchronous now"),
        (replace(GOOD, behind_bytes=64 * 1024 * 1024), "replication is 64 MiB behind"),
    ],
)
def test_production_wants_a_synchronous_standby_that_keeps_up(standbys: Standbys, reason: str) -> None:
    (found,) = standby_findings(standbys, production=True)
    assert found.status is Status.ERROR
    assert reason in found.detail
    (elsewhere,) = standby_findings(standbys, production=False)
    assert elsewhere.status is Status.OK


def test_a_standby_that_keeps_up_is_fine_also_where_its_lag_is_hidden() -> None:
    for standbys in (GOOD, replace(GOOD, synchronous=None, behind_bytes=None)):
        (found,) = standby_findings(standbys, production=True)
        assert found.status is Status.OK


EARLIER, LATER = datetime(2026, 5, 1, 12, tzinfo=UTC), datetime(2026, 5, 1, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("archiving", "status", "detail"),
    [
        (Archiving(mode="off", archived_at=None, failed_at=None), Status.WARNING, "is gone on every standby as well"),
        (Archiving(mode="on", archived_at=None, failed_at=None), Status.OK, "nothing was to be archived yet"),
        (Archiving(mode="on", archived_at=None, failed_at=LATER), Status.ERROR, "the archive refuses"),
        (Archiving(mode="on", archived_at=EARLIER, failed_at=LATER), Status.ERROR, "the archive refuses"),
        (Archiving(mode="always", archived_at=LATER, failed_at=EARLIER), Status.OK, "archived at 2026-05-01 13:00:00"),
    ],
)
def test_production_wants_an_archive_that_takes_the_log(archiving: Archiving, status: Status, detail: str) -> None:
    found = archiving_finding(archiving, production=True)
    assert (found.status, detail in found.detail) == (status, True), found


def test_where_no_money_moves_nothing_need_be_archived() -> None:
    assert (
        archiving_finding(Archiving(mode="off", archived_at=None, failed_at=None), production=False).status is Status.OK
    )
