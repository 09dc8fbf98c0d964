"""What docker-compose.yml gives to the servers, given to these servers by hand: no Docker engine runs it."""

import asyncio
import os
from pathlib import Path

import psycopg
import pytest

from infra.embedded.apache_kafka.jars import ensure_jars
from infra.embedded.apache_kafka.java import find_java
from infra.embedded.binaries import postgres_bin
from infra.embedded.postgres import PostgresServer
from infra.embedded.reports import silent
from tests.support.compose_file import ROOT, environment, kafka_settings, properties
from tests.support.database import Database

pytestmark = [pytest.mark.integration, pytest.mark.slow]


async def run(*argv: str, env: dict[str, str], cwd: Path) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *argv, env=env, cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


async def test_the_login_roles_are_made_and_remade(
    session_postgres: PostgresServer, database: Database, tmp_path: Path
) -> None:
    logins = session_postgres.logins  # the server's own passwords: other tests go on with them
    env: dict[str, str] = {
        "PATH": os.environ["PATH"],
        "PGHOST": "127.0.0.1",
        "PGPORT": str(session_postgres.port),
        "PGDATABASE": database.name,
        "PGUSER": "paystream_owner",
        "PGPASSWORD": str(psycopg.conninfo.conninfo_to_dict(database.url("owner"))["password"]),
        **{f"{login.removesuffix('_login').upper()}_PASSWORD": password for login, password in logins.items()},
    }
    assert env.keys() - {"PATH", "PGPORT"} == environment("login-roles").keys()
    psql = (
        str(postgres_bin() / "psql"),
        "--no-psqlrc",
        "--quiet",
        f"--file={ROOT / 'infra/deploy/docker/login_roles.sql'}",
    )
    for _ in range(2):
        assert await run(*psql, env=env, cwd=tmp_path) == (0, "")
    for role in ("app", "projector", "query"):
        async with await psycopg.AsyncConnection.connect(database.url(role)) as connection:
            found = await connection.execute(
                "SELECT pg_has_role(current_user, %s, 'member'), rolsuper FROM pg_roles WHERE rolname = current_user",
                [f"paystream_{role}"],
            )
            assert await found.fetchone() == (True, False)
    # Without a password there is no role that anybody could take.
    del env["PAYSTREAM_APP_PASSWORD"]
    code, output = await run(*psql, env=env, cwd=tmp_path)
    assert code != 0, output


@pytest.mark.apache_kafka
async def test_kafkas_image_turns_its_environment_into_the_brokers_settings(tmp_path: Path) -> None:
    """With the image's own program, which comes with Kafka."""
    jars = await ensure_jars(silent)
    data = tmp_path / "data"
    env = {"PATH": os.environ["PATH"], **environment("kafka"), "KAFKA_LOG_DIRS": str(data)}
    folders = []
    for kind in ("default", "mounted", "final"):
        (tmp_path / kind).mkdir()
        folders += [f"--{kind}-configs-dir", kind]
    program = (str(find_java()), "-cp", f"{jars}/*", "kafka.docker.KafkaDockerWrapper", "setup")
    code, output = await run(*program, *folders, env=env, cwd=tmp_path)
    assert code == 0, output
    written = properties((tmp_path / "final" / "server.properties").read_text("utf-8"))
    assert written == {**kafka_settings(), "log.dirs": str(data)}
    assert (data / "meta.properties").exists(), "formatted"
