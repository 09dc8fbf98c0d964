"""Each login has the rights of `rights.txt`, to the letter: as the catalog has them, and as the login tries them."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from psycopg import sql

from infra.postgres.pool import Connection
from tests.integration.infra.migrations.rights import (
    KINDS,
    PUBLIC,
    QUERIES,
    ROLES,
    Rights,
    differences,
    granted,
    written,
)
from tests.support.database import Database, fresh_database, postgres_server

pytestmark = pytest.mark.integration

EXPECTED = written()
VIEWS = {"v", "m"}
ROOT = Path(__file__).parents[4]
READS = {
    "app": ("command_api", "consumers", "event_store", "infra", "projections"),
    "relay": ("event_store", "infra"),
    "projector": ("projections", "event_store", "infra"),
    "query": ("query_api", "projections", "infra"),
    "sealer": ("event_store", "infra"),
    "erasure": ("event_store", "infra"),
    "access": ("event_store", "infra"),
}
"""Where the statements of each login's processes are. Auditors read by hand, too."""
LOGINS = sorted(role for role in ROLES if role != "rebuild")
NOBODY_PASSWORD = "of-nobody"
GROUPS = {role: [f"paystream_{role}"] for role in LOGINS if role != PUBLIC} | {
    "app": ["paystream_app", "paystream_privacy"],
    "projector": ["paystream_privacy", "paystream_projector"],
    "rebuild": [],
    PUBLIC: [],
}
Object = tuple[str, str, str, str | None]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def database(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    """On a server of its own: on another, a test may have taken migrations back, and with them what roles are."""
    async with postgres_server(tmp_path_factory.mktemp("rights")) as server, fresh_database(server) as lent:
        async with await psycopg.AsyncConnection.connect(lent.url("owner"), autocommit=True) as owner:
            await owner.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(ROLES[PUBLIC]), NOBODY_PASSWORD)
            )
        yield lent


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def owner(database: Database) -> AsyncIterator[Connection]:
    """The owner's connection, in autocommit."""
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as connection:
        yield connection


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def objects(owner: Connection) -> list[Object]:
    """Everything that rights can be of, but for the partitions of the log after the first, which are like that."""
    found = await (await owner.execute(QUERIES["objects"], {})).fetchall()
    return [each for each in found if not is_further_partition(each[1])]


def is_further_partition(name: str) -> bool:
    """Whether the file has it under the name of the first one."""
    return name.startswith("event_store.events_p") and name != "event_store.events_p000000"


async def connected(database: Database, role: str) -> Connection:
    """Return a connection of a login, which may write as far as its rights go."""
    url = psycopg.conninfo.make_conninfo(
        database.url("owner" if role == PUBLIC else role),
        **({"user": ROLES[PUBLIC], "password": NOBODY_PASSWORD} if role == PUBLIC else {}),
    )
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    await connection.execute("SET default_transaction_read_only = off")
    return connection


@pytest.mark.asyncio(loop_scope="module")
async def test_the_catalog_grants_what_is_written_and_no_more(owner: Connection) -> None:
    rows = await (await owner.execute(QUERIES["granted"], {"roles": list(ROLES.values())})).fetchall()
    assert [row for row in rows if is_further_partition(row[2])] == []
    assert differences(EXPECTED, granted(rows)) == []


@pytest.mark.asyncio(loop_scope="module")
async def test_every_object_of_the_database_is_written(objects: list[Object]) -> None:
    found = {(kind, name) for kind, name, *_ in objects}
    assert found == {(kind, name) for kind, name, _ in EXPECTED.cells}
    assert {kind for kind, _ in found} == set(KINDS)


@pytest.mark.asyncio(loop_scope="module")
async def test_no_role_owns_anything_or_is_more_than_its_group(owner: Connection) -> None:
    shown = {role: name for name, role in ROLES.items()}
    rows = await (await owner.execute(QUERIES["roles"], {"roles": list(ROLES.values())})).fetchall()
    assert {shown[role]: (mighty, groups, owns) for role, mighty, groups, owns in rows} == {
        name: (False, groups, False) for name, groups in GROUPS.items()
    }


@pytest.mark.parametrize("role", LOGINS)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_login_is_refused_all_that_is_not_written(database: Database, objects: list[Object], role: str) -> None:
    connection = await connected(database, role)
    async with connection:
        tried = [
            (name, letter, await is_refused(connection, statement))
            for kind, name, form, detail in objects
            for letter, statement in statements(kind, name, form, detail).items()
            if letter not in EXPECTED.letters(kind, name, role).upper()
        ]
    assert [(name, letter) for name, letter, refused in tried if not refused] == []
    assert len(tried) > 200


@pytest.mark.parametrize("role", [role for role in LOGINS if role != PUBLIC])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_login_is_let_do_all_that_is_written(database: Database, objects: list[Object], role: str) -> None:
    connection = await connected(database, role)
    async with connection:
        tried = [
            (name, letter, await is_refused(connection, statement))
            for kind, name, form, detail in objects
            for letter, statement in statements(kind, name, form, detail).items()
            if letter in EXPECTED.letters(kind, name, role) and is_reached(name, role)
        ]
    assert [(name, letter) for name, letter, refused in tried if refused] == []
    assert len(tried) > 5


@pytest.mark.parametrize("role", READS)
def test_a_login_reads_no_table_that_no_statement_of_its_processes_names(role: str) -> None:
    statements_of = "\n".join(
        path.read_text("utf-8")
        for folder in READS[role]
        for path in sorted((ROOT / folder).rglob("*.sql"))
        if "migrations" not in path.parts and "stripe_sandbox" not in path.parts
    )
    read = {
        name for (kind, name, each), cell in EXPECTED.cells.items() if (kind, each) == ("tables", role) if "S" in cell
    }
    assert {name for name in read if not re.search(rf"\b{re.escape(name)}\b", statements_of)} == set()
    assert read


@pytest.mark.parametrize(
    ("columns", "letters"),
    [({("a.t", "app", "U"): frozenset({"x"})}, ""), ({}, "T")],
    ids=["a column", "a table"],
)
def test_a_right_too_many_and_one_too_few_are_named(
    columns: dict[tuple[str, str, str], frozenset[str]], letters: str
) -> None:
    found = Rights(cells={("tables", "a.t", "app"): letters}, columns=columns)
    (too_many,) = differences(Rights(), found)
    (too_few,) = differences(found, Rights())
    assert too_many.startswith("app has")
    assert too_few.startswith("app lacks")
    assert "a.t" in too_many
    assert "a.t" in too_few


def is_reached(name: str, role: str) -> bool:
    """Whether the role may use the schema: without that, PUBLIC's right to call a function there is of no use."""
    return "G" in EXPECTED.letters("schemas", name.partition(".")[0], role)


def statements(kind: str, name: str, form: str, detail: str | None) -> dict[str, sql.Composed]:
    """Return what uses each right to an object. EXPLAIN does nothing, and asks for the same rights."""
    identifier = sql.Identifier(*name.split("."))
    match kind:
        case "schemas":
            return {"C": sql.SQL("CREATE TABLE {} ()").format(sql.Identifier(name, "of_nobody"))}
        case "sequences":
            return {
                "S": sql.SQL("EXPLAIN SELECT last_value FROM {}").format(identifier),
                "U": sql.SQL("SELECT setval({}, 1)").format(sql.Literal(name)),
                "G": sql.SQL("SELECT nextval({})").format(sql.Literal(name)),
            }
        case "functions":
            if form == "trigger":
                return {"E": sql.SQL("EXPLAIN SELECT {}()").format(identifier)}
            # Not with constants: a strict function of NULL is not called, and nobody asks who may call it.
            values = [
                sql.SQL("(SELECT {} OFFSET 0)").format(sql.SQL(each)) for each in (detail or "").split(", ") if each
            ]
            return {"E": sql.SQL("EXPLAIN SELECT {}({})").format(identifier, sql.SQL(", ").join(values))}
        case _:
            read = {"S": sql.SQL("EXPLAIN SELECT FROM {}").format(identifier)}
            if form in VIEWS:
                return read
            column = sql.Identifier(detail or "")
            return read | {
                "I": sql.SQL("EXPLAIN INSERT INTO {} DEFAULT VALUES").format(identifier),
                "U": sql.SQL("EXPLAIN UPDATE {} SET {} = DEFAULT").format(identifier, column),
                "D": sql.SQL("EXPLAIN DELETE FROM {}").format(identifier),
                "T": sql.SQL("TRUNCATE {}").format(identifier),
            }


async def is_refused(connection: Connection, statement: sql.Composed) -> bool:
    """Whether the login has no right to it; takes it back if it had."""
    try:
        async with connection.transaction(force_rollback=True):
            await connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        return True
    return False
