"""A merchant gets the events of its payments by HTTP: signed, in order, each though the worker is killed."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.support.system import Json, System, running_system
from tests.support.waiting import eventually
from tests.support.webhook_receiver import Received, Receiver, a_receiver
from tests.unit.docs.webhook_examples import JAVASCRIPT, load_python_example

pytestmark = [pytest.mark.acceptance, pytest.mark.broker, pytest.mark.own_system, pytest.mark.timeout(240)]

EXAMPLE = load_python_example()
WORKER = "worker-webhooks-out"


@pytest_asyncio.fixture
async def system(tmp_path: Path) -> AsyncIterator[System]:
    settings = {"WEBHOOKS_OUT_TIMEOUT_MS": "3000", "WEBHOOKS_OUT_RETRY_AFTER_S": "0.2,0.2,1,1,5,5"}
    async with running_system(tmp_path, settings=settings) as running:
        yield running


async def an_endpoint(system: System, receiver: Receiver) -> Json:
    answer = await system.command.post("/webhook-endpoints", json={"url": receiver.url})
    assert answer.status_code == httpx.codes.CREATED, answer.text
    return dict(answer.json())


async def paid_and_refunded(system: System) -> str:
    created = await system.create(wait=20)
    payment_id = str(created.json()["id"])
    await system.refund(payment_id, 400, wait=20)
    await system.finished(payment_id, within=40)
    return payment_id


async def timeline(system: System, payment_id: str) -> list[Json]:
    answer = await system.query.get(f"/payments/{payment_id}/events", params={"limit": 100})
    return list(answer.json()["data"])


def of_payment(receiver: Receiver, payment_id: str) -> list[Received]:
    """Return what came of a payment, each event where it came first."""
    first: dict[str, Received] = {}
    for message in receiver.received:
        if message.json["payment_id"] == payment_id:
            first.setdefault(message.id, message)
    return list(first.values())


async def gets_all(system: System, receiver: Receiver, payment_id: str) -> list[Received]:
    """Wait until the merchant has the whole timeline of a payment."""

    async def both() -> tuple[list[int], list[int]]:
        shown = [each["position"] for each in await timeline(system, payment_id)]
        return shown, [each.json["position"] for each in of_payment(receiver, payment_id)]

    await eventually(both, lambda found: bool(found[0]) and found[0] == found[1], within=60)
    return of_payment(receiver, payment_id)


async def verified_by_node(secret: str, message: Received) -> tuple[int, str]:
    """Run the example in JavaScript on a request as it came."""
    head = "".join(f"{name}: {value}\n" for name, value in message.headers.items()).encode()
    process = await asyncio.create_subprocess_exec(
        *("node", str(JAVASCRIPT), secret), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate(head + b"\n" + message.body)
    assert process.returncode is not None
    return process.returncode, output.decode().strip()


async def test_a_merchant_gets_a_payment_and_its_refund_signed_and_in_order(system: System) -> None:
    async with a_receiver() as receiver:
        endpoint = await an_endpoint(system, receiver)
        payment_id = await paid_and_refunded(system)
        messages = await gets_all(system, receiver, payment_id)
        for message, shown in zip(messages, await timeline(system, payment_id), strict=True):
            event = EXAMPLE.verify(endpoint["secret"], message.headers, message.body)
            assert event.pop("payment_id") == payment_id
            assert event.pop("timestamp") == shown.pop("at")
            assert event == shown
        types = [message.json["type"] for message in messages]
        assert types[0] == "payment.requested"
        assert types.index("payment.succeeded") < types.index("payment.refund_requested")
        assert types[-1] == "payment.refund_succeeded"
        path = f"/webhook-endpoints/{endpoint['id']}/deliveries"

        async def delivered() -> set[str]:
            return {each["status"] for each in (await system.command.get(path)).json()["data"]}

        await eventually(delivered, lambda found: found == {"delivered"})
        with pytest.raises(ValueError, match="no signature fits"):
            EXAMPLE.verify(endpoint["secret"], messages[0].headers, messages[0].body + b" ")
        if shutil.which("node") is None:
            pytest.skip("node is not on this machine: the example in JavaScript was not tried")
        assert await verified_by_node(endpoint["secret"], messages[0]) == (0, types[0])
        code, _ = await verified_by_node("whsec_" + "A" * 32, messages[0])
        assert code == 1


async def test_killing_the_worker_loses_none_and_keeps_the_order(system: System) -> None:
    async with a_receiver() as receiver:
        endpoint = await an_endpoint(system, receiver)

        async def came() -> int:
            return len(receiver.received)

        payments = []
        for _ in range(3):
            receiver.released.clear()
            before = len(receiver.received)
            created = [await system.create() for _ in range(3)]
            await eventually(came, before.__lt__, within=40)
            system.stack.kill(WORKER)
            receiver.released.set()
            await system.stack.restart(WORKER)
            payments += [str(each.json()["id"]) for each in created]
        for payment_id in payments:
            await system.finished(payment_id, within=60)
            for message in await gets_all(system, receiver, payment_id):
                EXAMPLE.verify(endpoint["secret"], message.headers, message.body)
