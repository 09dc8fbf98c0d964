"""What commands at a desk (infra.desk, infra.ledger_desk) share: the connection, and errors as people read them."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg
import structlog

from infra.errors import InfraError
from infra.log_render import mask_text
from infra.postgres.pool import Connection
from infra.process import declared
from infra.settings.loading import load_settings
from infra.settings.postgres import DatabaseSettings

D = TypeVar("D")


def with_connection(desk: str, work: Callable[[D, Connection], Awaitable[int]]) -> int:
    """Do work with a desk and a connection in autocommit; return its exit code, or 1 with the reason on stderr."""
    url = load_settings(DatabaseSettings).database_url.get_secret_value()

    async def connected() -> int:
        loaded: D = declared.load(declared.DESKS, desk)()
        async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5) as conn:
            return await work(loaded, conn)

    return guarded(connected())


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep logs silent: a person reads what is printed, and what a process would log is of no use to them."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


def guarded(work: Awaitable[int]) -> int:
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
