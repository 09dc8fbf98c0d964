"""What a command says when it cannot do its work: one line, and a remedy."""

import logging

import psycopg
import pytest

from infra.cli.execute import run
from infra.errors import InfraError, WrongOption


async def cannot_connect() -> int:
    logging.getLogger("psycopg.pool").warning("error connecting")
    async with await psycopg.AsyncConnection.connect("postgresql://nobody@127.0.0.1:1/none"):
        return 0


def test_no_connection_is_told_in_a_line_with_a_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(cannot_connect()) == 1
    said = capsys.readouterr()
    assert said.err == (
        'paystream: no connection to PostgreSQL: connection to server at "127.0.0.1", port 1 failed: '
        "Connection refused. Remedy: paystream doctor\n"
    )
    assert said.out == ""


def test_what_libraries_log_is_silent_while_it_runs(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    run(cannot_connect())
    assert not caplog.records
    assert "error connecting" not in capsys.readouterr().err
    logging.getLogger("psycopg.pool").warning("afterwards")
    assert [record.message for record in caplog.records] == ["afterwards"]


@pytest.mark.parametrize(("error", "code"), [(InfraError("the key is revoked"), 1), (WrongOption("no such status"), 2)])
def test_a_wrong_option_ends_otherwise_than_what_is_refused(
    error: InfraError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    async def refuses() -> int:
        raise error

    assert run(refuses()) == code
    assert capsys.readouterr().err == f"paystream: {error}\n"
