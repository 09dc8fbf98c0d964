"""Closes the connection over which a client was learning of the cluster when that was cancelled.

aiokafka closes it for its own errors alone: a start that is given up (a time-out, a process that ends) would leave it
open until it is collected, with a ResourceWarning at some later moment.
"""

from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from aiokafka import client
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection

_MARK = "_paystream_closes_cancelled"


@dataclass
class _Bootstrap:
    """A bootstrap that is under way, or was: tasks that it began remember it."""

    made: list[AIOKafkaConnection] = field(default_factory=list)
    under_way: bool = True


_current: ContextVar[_Bootstrap | None] = ContextVar("_current", default=None)


def close_cancelled_bootstraps() -> None:
    """Make every aiokafka client of this process do so. Running it again changes nothing."""
    if hasattr(AIOKafkaClient.bootstrap, _MARK):
        return
    create, original = client.create_conn, AIOKafkaClient.bootstrap

    @wraps(create)
    async def create_conn(*args: Any, **options: Any) -> AIOKafkaConnection:
        connection = await create(*args, **options)
        if (current := _current.get()) is not None and current.under_way:
            current.made.append(connection)
        return connection

    @wraps(original)
    async def bootstrap(self: AIOKafkaClient) -> None:
        current = _Bootstrap()
        token = _current.set(current)
        try:
            await original(self)
        except BaseException:
            for connection in current.made:
                connection.close()
            raise
        finally:
            current.under_way = False
            current.made.clear()
            _current.reset(token)

    setattr(bootstrap, _MARK, True)
    client.create_conn = create_conn
    AIOKafkaClient.bootstrap = bootstrap
