"""Reports a write to a connection that has just been closed as what it is: Kafka is away.

uvloop raises RuntimeError for it, where asyncio only logs; aiokafka looks for OSError alone. It would pass every
handler of Kafka's errors and end the process, for a broker that went away at the wrong instant.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError, KafkaError

_MARK = "_paystream_reports_closed"


def report_closed_connections() -> None:
    """Make every aiokafka connection of this process raise KafkaConnectionError. Running it again changes nothing."""
    for name in ("send", "_send_sasl_token"):
        method = getattr(AIOKafkaConnection, name)
        if not hasattr(method, _MARK):
            setattr(AIOKafkaConnection, name, _reporting(method))


def _reporting(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def send(self: Any, *args: Any, **options: Any) -> Any:
        try:
            return method(self, *args, **options)
        except KafkaError:  # is a RuntimeError, too
            raise
        except RuntimeError as error:
            if self._writer is None or not self._writer.transport.is_closing():
                raise
            self.close(reason=CloseReason.CONNECTION_BROKEN)
            raise KafkaConnectionError(f"Connection at {self._host}:{self._port} closed: {error}") from error

    setattr(send, _MARK, True)
    return send
