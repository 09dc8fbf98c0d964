"""Runs what a command does: with or without a connection, with errors as people read them."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import psycopg
import structlog

from infra.cli.exit_codes import WRONG_OPTION
from infra.errors import InfraError, WrongOption, WrongSetting
from infra.log_render import mask_text
from infra.postgres.pool import Connection, connect
from infra.process import declared
from infra.settings.loading import load_settings
from infra.settings.postgres import DatabaseSettings


def run_with_connection(work: Callable[[Connection], Awaitable[int]]) -> int:
    """Do work on a connection in autocommit; return its exit code, or 1 with the reason on stderr."""
    settings = load_settings(DatabaseSettings)

    async def connected() -> int:
        async with await connect(settings.database_url.get_secret_value(), settings.pooling, autocommit=True) as conn:
            return await work(conn)

    return run(connected())


def run(work: Awaitable[int], *, failed: int = 1) -> int:
    """Do work; return its exit code, or `failed` with the reason on stderr; 2 for a wrong option or setting."""

    async def awaited() -> int:
        return await work

    try:
        with _quiet():
            return asyncio.run(awaited())
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
        reason = "the database lacks a table or a column. Remedy: paystream migrate"
    except psycopg.OperationalError as error:
        reason = (
            f"the database refused: {one_line(error)}"
            if error.sqlstate
            else f"no connection to PostgreSQL: {one_line(error)}. Remedy: paystream doctor"
        )
    except psycopg.Error as error:
        reason = f"the database refused: {one_line(error)}"
    except (WrongOption, WrongSetting, declared.NotDeclared) as error:
        reason, failed = str(error), WRONG_OPTION
    except InfraError as error:
        reason = str(error)
    print(f"paystream: {reason}", file=sys.stderr)
    return failed


def one_line(error: BaseException) -> str:
    """Return what PostgreSQL or its client says, in a line: without the client's questions, which are indented."""
    lines = mask_text(str(error)).removeprefix("connection failed: ").removeprefix("connection is bad: ").splitlines()
    return " ".join(line.strip() for line in lines if line.strip() and not line.startswith("\t"))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep logs silent: a person reads what is printed, and what a process would log is of no use to them."""
    before, disabled = structlog.get_config(), logging.root.manager.disable
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)  # of libraries, which log what they raise as well
    try:
        yield
    finally:
        logging.disable(disabled)
        structlog.configure(**before)
