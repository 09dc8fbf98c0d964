import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator

from infra.doctor.check import Check, run_all
from infra.doctor.finding import Area, Finding, Status

AREA = Area("Tests")


async def fine() -> AsyncGenerator[Finding, None]:
    yield AREA.ok("one", "is there")


async def hanging() -> AsyncGenerator[Finding, None]:
    yield AREA.ok("first", "is there")
    await asyncio.Event().wait()


async def broken() -> AsyncGenerator[Finding, None]:
    yield AREA.ok("first", "is there")
    raise ValueError("no such thing")


async def test_findings_come_in_the_order_of_the_checks() -> None:
    found = await run_all([Check(area=Area("A"), run=fine), Check(area=Area("B"), run=fine)])
    assert [(each.area, each.status) for each in found] == [("Tests", Status.OK)] * 2


async def test_a_check_that_hangs_ends_and_what_it_found_is_kept() -> None:
    began = time.monotonic()
    found = await run_all([Check(area=AREA, run=hanging, limit_s=0.05), Check(area=AREA, run=fine)])

    assert [(each.subject, each.status) for each in found] == [
        ("first", Status.OK),
        ("time", Status.ERROR),
        ("one", Status.OK),
    ]
    assert "no answer within 0.05 s" in found[1].detail
    assert found[1].remedy
    assert time.monotonic() - began < 1


async def test_a_check_that_cannot_be_cancelled_holds_nobody_up_for_long() -> None:
    released, began = asyncio.Event(), time.monotonic()

    async def stubborn() -> AsyncGenerator[Finding, None]:
        yield AREA.ok("first", "is there")
        while not released.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await released.wait()

    found = await run_all([Check(area=AREA, run=stubborn, limit_s=0.05)])

    assert [each.status for each in found] == [Status.OK, Status.ERROR]
    assert time.monotonic() - began < 2
    released.set()
    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})


async def test_a_check_that_fails_says_so_and_what_it_found_is_kept() -> None:
    found = await run_all([Check(area=AREA, run=broken)])
    assert [each.status for each in found] == [Status.OK, Status.ERROR]
    assert found[1].detail == "the check itself failed: ValueError: no such thing"
