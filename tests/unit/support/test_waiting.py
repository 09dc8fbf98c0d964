"""Waiting in tests ends with the condition, or in time, with a reason."""

import asyncio

import pytest

from tests.support import waiting
from tests.support.waiting import eventually


async def test_a_connection_that_is_refused_or_too_slow_means_not_yet() -> None:
    answers: list[int | Exception] = [ConnectionRefusedError(), TimeoutError(), 1, 2]

    async def probe() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert await eventually(probe, lambda found: found == 2, every=0) == 2


async def test_any_other_error_is_the_tests() -> None:
    async def probe() -> None:
        raise KeyError("wrong")

    with pytest.raises(KeyError, match="wrong"):
        await eventually(probe)


async def test_when_the_time_is_up_it_says_what_was_seen_last() -> None:
    async def value() -> str:
        return "half"

    async def away() -> str:
        raise ConnectionResetError("away")

    with pytest.raises(AssertionError, match="not within 0 s; last seen: 'half'"):
        await eventually(value, lambda _: False, within=0)
    with pytest.raises(AssertionError, match="ConnectionResetError"):
        await eventually(away, within=0)


async def test_a_probe_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_LAST_PROBE_S", 0.01)
    with pytest.raises(AssertionError, match="last seen: TimeoutError"):
        await eventually(asyncio.Event().wait, within=0.01, every=0)
