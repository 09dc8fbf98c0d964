"""All who look for an intent at the same time share one list of them."""

import asyncio
import uuid
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from consumers.stripe.shared_list import SharedList
from consumers.stripe.translate.ids import PAYMENT_ID
from domain.ids import PaymentId

NOW = 1_800_000_000


class Intents:
    """Intents of payments, one created each second up to NOW, given in pages as Stripe does."""

    def __init__(self, payments: list[PaymentId], page: int = 10) -> None:
        self.all: list[dict[str, Any]] = [
            {"id": f"pi_{age}", "created": NOW - age, "metadata": {PAYMENT_ID: str(each)}}
            for age, each in enumerate(payments)
        ]
        self._page = page
        self.pages = self.lists = 0
        self.failure: Exception | None = None
        self.hold = asyncio.Event()
        self.hold.set()

    async def list(self, first: int, last: int) -> AsyncGenerator[dict[str, Any], None]:
        self.lists += 1
        for number, intent in enumerate(each for each in self.all if first <= each["created"] <= last):
            if number % self._page == 0:
                self.pages += 1
                await self.hold.wait()
                if self.failure is not None:
                    raise self.failure
            yield intent


def payments(count: int) -> list[PaymentId]:
    return [PaymentId(uuid.uuid4()) for _ in range(count)]


async def find(shared: SharedList, payment: PaymentId, *, seconds: int = 1000) -> str | None:
    found = await shared.find(payment, created_from=NOW - seconds, created_to=NOW)
    return None if found is None else str(found["id"])


async def test_many_who_look_cost_no_more_than_one() -> None:
    made = payments(100)
    intents = Intents(made)
    shared = SharedList(intents.list)
    found = await asyncio.gather(*(find(shared, each) for each in made))
    assert found == [f"pi_{age}" for age in range(100)]
    assert (intents.lists, intents.pages) == (1, 10)


async def test_who_comes_while_a_list_goes_on_waits_for_the_next() -> None:
    made = payments(20)
    intents = Intents(made)
    shared = SharedList(intents.list)
    intents.hold.clear()
    first = asyncio.create_task(find(shared, made[3]))
    await asyncio.sleep(0.01)
    late = PaymentId(uuid.uuid4())
    others = [asyncio.create_task(find(shared, each)) for each in (late, made[4], made[5])]
    await asyncio.sleep(0.01)
    intents.all.insert(0, {"id": "pi_late", "created": NOW, "metadata": {PAYMENT_ID: str(late)}})
    intents.hold.set()
    assert await first == "pi_3"
    assert await asyncio.gather(*others) == ["pi_late", "pi_4", "pi_5"]
    assert intents.lists == 2


async def test_each_is_looked_for_in_its_own_time_alone() -> None:
    made = payments(50)
    shared = SharedList(Intents(made).list)
    expired = await asyncio.gather(find(shared, made[40], seconds=39), find(shared, made[40], seconds=40))
    assert tuple(expired) == (None, "pi_40")
    late = shared.find(made[0], created_from=NOW - 10, created_to=NOW - 1)
    too_early = await asyncio.gather(late, find(shared, made[0]))
    assert tuple(too_early) == (None, "pi_0")


async def test_the_list_ends_where_nobody_looks_any_further() -> None:
    made = payments(1000)
    intents = Intents(made)
    shared = SharedList(intents.list)
    found = await asyncio.gather(find(shared, made[5]), find(shared, PaymentId(uuid.uuid4()), seconds=15))
    assert tuple(found) == ("pi_5", None)
    assert intents.pages <= 2


async def test_what_fails_is_told_to_all_and_the_next_list_is_new() -> None:
    made = payments(5)
    intents = Intents(made)
    shared = SharedList(intents.list)
    intents.failure = TimeoutError("no answer")
    found = await asyncio.gather(*(find(shared, each) for each in made), return_exceptions=True)
    assert [type(each) for each in found] == [TimeoutError] * 5
    intents.failure = None
    assert await find(shared, made[0]) == "pi_0"


async def test_nothing_is_listed_for_those_who_left() -> None:
    made = payments(5)
    intents = Intents(made)
    shared = SharedList(intents.list)
    intents.hold.clear()
    looking = [asyncio.create_task(find(shared, each)) for each in made]
    await asyncio.sleep(0.01)
    for each in looking:
        each.cancel()
    await asyncio.wait(looking)
    await asyncio.sleep(0)
    running = [each for each in asyncio.all_tasks() if each is not asyncio.current_task()]
    await asyncio.wait(running) if running else None
    intents.hold.set()
    assert await find(shared, made[0]) == "pi_0"
    with pytest.raises(asyncio.CancelledError):
        await looking[0]


async def test_who_comes_as_the_last_one_leaves_gets_a_list() -> None:
    made = payments(5)
    intents = Intents(made)
    shared = SharedList(intents.list)
    intents.hold.clear()

    async def leave_and_come() -> str | None:
        try:
            return await find(shared, made[0])
        except asyncio.CancelledError:
            intents.hold.set()
            return await find(shared, made[1])

    coming = asyncio.create_task(leave_and_come())
    await asyncio.sleep(0.01)
    coming.cancel()
    async with asyncio.timeout(2):
        assert await coming == "pi_1"


async def test_one_who_leaves_takes_nothing_from_those_who_stay() -> None:
    made = payments(30)
    intents = Intents(made)
    shared = SharedList(intents.list)
    intents.hold.clear()
    leaving = asyncio.create_task(find(shared, made[0]))
    staying = asyncio.create_task(find(shared, made[20]))
    await asyncio.sleep(0.01)
    leaving.cancel()
    await asyncio.wait({leaving})
    intents.hold.set()
    assert await staying == "pi_20"
