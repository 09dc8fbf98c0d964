"""Runs what a command does: with or without a connection, with errors as people read them."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import psycopg
import structlog

from infra.errors import InfraError
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


def run(work: Awaitable[int]) -> int:
    """Do work; return its exit code, or 1 with the reason on stderr."""

    async def awaited() -> int:
        return await work

    try:
        with _quiet():
            return asyncio.run(awaited())
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
        reason = "the database lacks a table or a column. Remedy: paystream migrate"
    except psycopg.Error as error:
        reason = f"the database refused: {mask_text(str(error).strip())}"
    except (InfraError, declared.NotDeclared) as error:
        reason = str(error)
    print(f"paystream: {reason}", file=sys.stderr)
    return 1


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep logs silent: a person reads what is printed, and what a process would log is of no use to them."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)
