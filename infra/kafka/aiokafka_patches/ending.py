"""Ends aiokafka's clients for good, whatever state they are in.

Their `stop()` can hang while Kafka is away, or fail midway; what is left then keeps its connections, and a producer's
sending task goes on trying. It reaches into what aiokafka keeps to itself, since it has no way to give up.
"""

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import ProducerClosed

from infra.kafka.clients import stop_client

_STOP_S, _CLOSE_S = 2.0, 1.0


async def end_consumer(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer within 3 s."""
    if await stop_client(consumer.stop(), timeout_s=_STOP_S) is not None:
        await stop_client(consumer._client.close(), timeout_s=_CLOSE_S)  # noqa: SLF001 - see above


async def end_producer(producer: AIOKafkaProducer, *, deliver: bool) -> None:
    """Stop a producer within 3 s. `deliver`: what was handed over to it is sent first, else it is dropped.

    An open transaction is left open: the next producer of its id ends it.
    """
    sender = producer._sender.sender_task  # noqa: SLF001 - see above
    if not deliver and sender is not None:
        sender.cancel()
        producer._message_accumulator.fail_all(ProducerClosed())  # noqa: SLF001 - `stop` would wait for them
    if await stop_client(producer.stop(), timeout_s=_STOP_S) is not None:
        if sender is not None:
            sender.cancel()
        await stop_client(producer.client.close(), timeout_s=_CLOSE_S)
