"""A broker that goes away at any instant is an error of Kafka's, never another one; and no connection is left open."""

import asyncio
from typing import Any

import pytest
import uvloop
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

import infra.kafka.clients  # noqa: F401 - whoever has options for a client has the guard
from tests.support.brokers import LentBroker

pytestmark = pytest.mark.integration


async def use_a_connection_just_closed(send: str) -> None:
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        connection = AIOKafkaConnection("127.0.0.1", port, request_timeout_ms=1000)
        _, connection._writer = await asyncio.open_connection("127.0.0.1", port)
        connection._versions = {MetadataRequest.API_KEY: (0, 5)}
        connection._writer.transport.abort()
        await asyncio.sleep(0)  # the loop closes the handle

        message: Any = MetadataRequest() if send == "send" else b"token"
        with pytest.raises(KafkaConnectionError):
            await getattr(connection, send)(message)
        assert not connection.connected()


@pytest.mark.parametrize("send", ["send", "_send_sasl_token"])
def test_a_request_to_a_connection_just_closed_says_that_kafka_is_away(send: str) -> None:
    uvloop.run(use_a_connection_just_closed(send))  # as processes do: only uvloop refuses the write


async def test_a_start_that_is_given_up_leaves_no_connection_open(
    lent_broker: LentBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    requested: list[AIOKafkaConnection] = []
    waiting = asyncio.Event()
    send = AIOKafkaConnection.send

    def unanswered(self: AIOKafkaConnection, request: object, *args: Any, **options: Any) -> Any:
        if not isinstance(request, MetadataRequest):
            return send(self, request, *args, **options)
        requested.append(self)
        waiting.set()
        return asyncio.get_running_loop().create_future()

    monkeypatch.setattr(AIOKafkaConnection, "send", unanswered)
    starting = asyncio.create_task(AIOKafkaClient(bootstrap_servers=lent_broker.address).bootstrap())
    await asyncio.wait_for(waiting.wait(), 30)
    assert requested[0].connected()
    starting.cancel()
    await asyncio.wait({starting})
    assert not requested[0].connected()
