"""Stops aiokafka's clients within a given time, whatever state they are in.

Their `stop()` can hang while Kafka is away, or fail midway; what is left then keeps its connections, and a producer's
sending task goes on trying. aiokafka has no way to give up, so this reaches into what it keeps to itself.
"""

import asyncio
from collections.abc import Coroutine
from itertools import chain
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import ProducerClosed
from aiokafka.protocol.group import LeaveGroupRequest

_STOP_S, _CLOSE_S = 2.0, 1.0


async def stop_client(stopping: Coroutine[Any, Any, None], *, timeout_s: float) -> BaseException | None:
    """Run a client's `stop()`, at most so long; return what went wrong, or None.

    In a task of its own: aiokafka cancels its fetches and awaits them unguarded, so that one in its retry pause makes
    `stop()` raise CancelledError, which would end whoever called as if it had been cancelled itself.
    """
    task = asyncio.ensure_future(stopping)
    done, _ = await asyncio.wait({task}, timeout=timeout_s)
    if not done:
        task.cancel()
        return TimeoutError(f"not stopped within {timeout_s:g} s")
    return asyncio.CancelledError() if task.cancelled() else task.exception()


async def end_consumer(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer within 3 s."""
    if await stop_client(consumer.stop(), timeout_s=_STOP_S) is not None:
        await stop_client(consumer._client.close(), timeout_s=_CLOSE_S)  # noqa: SLF001 - see above


async def disconnect_consumer(consumer: AIOKafkaConsumer, *, timeout_s: float) -> None:
    """Close what a `stop` that was given up leaves behind, each part within `timeout_s`.

    It would go on fetching, and keep its connections.
    """
    for part in (consumer._fetcher, consumer._client):  # noqa: SLF001 - `stop` cannot be called again
        if part is not None:
            await stop_client(part.close(), timeout_s=timeout_s)


async def leave_rebalancing_group(consumer: AIOKafkaConsumer) -> None:
    """Leave a group that is rebalancing: `stop` does that only when the rebalance is over, for which it waits for us.

    Not over the coordinator's own connection: the broker reads nothing from that before it has answered our "join".
    """
    coordinator = consumer._coordinator  # noqa: SLF001 - see above
    if coordinator is None:
        return
    node, request = coordinator.coordinator_id, LeaveGroupRequest(coordinator.group_id, coordinator.member_id)
    consumer.unsubscribe()  # or it would join again
    if node is not None:
        await consumer._client.send(node, request)  # noqa: SLF001 - see above


async def end_producer(producer: AIOKafkaProducer, *, deliver: bool) -> None:
    """Stop a producer within 3 s. `deliver`: what was handed over to it is sent first, else it is dropped.

    An open transaction is left open: the next producer of its id ends it.
    """
    sender = producer._sender.sender_task  # noqa: SLF001 - see above
    if not deliver and sender is not None:
        sender.cancel()
        _drop_batches(producer)
    if await stop_client(producer.stop(), timeout_s=_STOP_S) is not None:
        if sender is not None:
            sender.cancel()
        await stop_client(producer.client.close(), timeout_s=_CLOSE_S)


def _drop_batches(producer: AIOKafkaProducer) -> None:
    """Fail the batches that were handed over: `stop` would wait for them."""
    kept = producer._message_accumulator  # noqa: SLF001 - see above
    batches = [*chain.from_iterable(kept._batches.values()), *kept._pending_batches]  # noqa: SLF001 - likewise
    kept.fail_all(ProducerClosed())
    for batch in batches:
        if batch._drain_waiter.done():  # noqa: SLF001 - nobody awaits it any more, and asyncio would log its error
            batch._drain_waiter.exception()  # noqa: SLF001
