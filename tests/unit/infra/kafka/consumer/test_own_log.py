"""When the database behind a consumer may be younger than what the consumer saw of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from infra.kafka.consumer.own_log import EpochWatch
from infra.kafka.consumer.selection import Delivered


@dataclass
class Log:
    """Gives one epoch after the other; None: it does not answer, or is closed."""

    epochs: list[int | None]
    now: float = field(default=0.0)

    async def check_origin(self, messages: Sequence[Delivered]) -> None:
        raise AssertionError(messages)

    async def epoch(self) -> int | None:
        return self.epochs.pop(0)

    def clock(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        ([1, 1, 2, 2], [True, False, True, False]),
        ([1, None, 1], [True, False, False]),
        ([1, None, 2], [True, False, True]),
        # Consuming began before the log was opened, and it went back before it was read: nobody saw the first epoch.
        ([None, None, 3, 3], [False, False, True, False]),
    ],
)
async def test_it_may_be_younger_in_another_epoch(epochs: list[int | None], expected: list[bool]) -> None:
    log = Log(list(epochs))
    watch = EpochWatch(log, "projector", log.clock)
    found = []
    for _ in epochs:
        found.append(await watch.may_be_younger())
        log.now += 5.0
    assert found == expected


async def test_the_epoch_is_read_every_five_seconds() -> None:
    log = Log([1, 2])
    watch = EpochWatch(log, "projector", log.clock)
    found = []
    for log.now in (0.0, 0.5, 4.9, 5.0, 5.5):
        found.append(await watch.may_be_younger())
    assert found == [True, False, False, True, False]
