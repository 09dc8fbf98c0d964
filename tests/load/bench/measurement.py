"""What a row of the table is: a measurement, its limit and its goal."""

import statistics
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

Measure = Callable[[], Awaitable["Sample"]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """What one round saw. `limit` is None where the goal is a number; `details` are more figures, by name and unit."""

    value: float
    limit: float | None = None
    details: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Goal:
    """At least or at most a number: of the row's unit, or a share of the limit (`of_limit`)."""

    at_least: float | None = None
    at_most: float | None = None
    of_limit: bool = False

    def is_met(self, samples: Sequence[Sample]) -> bool:
        """Whether the median of the samples meets it."""
        reached = statistics.median(map(self.measure, samples))
        return (self.at_least is None or reached >= self.at_least) and (self.at_most is None or reached <= self.at_most)

    def measure(self, sample: Sample) -> float:
        """Return what is compared with the goal."""
        if not self.of_limit:
            return sample.value
        assert sample.limit is not None, "a share of what?"
        return sample.value / sample.limit

    def __str__(self) -> str:
        bound, sign = (self.at_least, ">=") if self.at_least is not None else (self.at_most, "<=")
        return f"{sign} {bound:g}" + (" x limit" if self.of_limit else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What every row is given. `short`: a smoke test, which shows that the row can be measured and no more."""

    folder: Path
    short: bool = False

    def seconds(self, usual: float) -> float:
        """Return how long to measure."""
        return 0.5 if self.short else usual

    def rate(self, usual: float) -> float:
        """Return how many a second to offer."""
        return min(usual, 20.0) if self.short else usual

    def count(self, usual: int) -> int:
        """Return how many of something to make."""
        return max(1, usual // 100) if self.short else usual


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row of the table. `prepare` lends what measures one round."""

    name: str
    title: str
    unit: str
    goal: Goal
    prepare: Callable[[Context], AbstractAsyncContextManager[Measure]]
    limit: str = ""
    """What the limit is, in words."""
    rounds: int = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The samples of a row."""

    row: Row
    samples: Sequence[Sample]

    @property
    def is_met(self) -> bool:
        """Whether the goal is met."""
        return self.row.goal.is_met(self.samples)

    def as_json(self) -> dict[str, object]:
        """Return it for a file."""
        values = [sample.value for sample in self.samples]
        limits = [sample.limit for sample in self.samples if sample.limit is not None]
        names = self.samples[0].details
        return {
            "row": self.row.name,
            "title": self.row.title,
            "unit": self.row.unit,
            "median": statistics.median(values),
            "least": min(values),
            "most": max(values),
            "limit": self.row.limit or None,
            "limit_median": statistics.median(limits) if limits else None,
            "goal": str(self.row.goal),
            "reached": statistics.median(map(self.row.goal.measure, self.samples)),
            "met": self.is_met,
            "details": {name: statistics.median(sample.details[name] for sample in self.samples) for name in names},
        }


async def measured(row: Row, context: Context) -> Result:
    """Measure a row in all its rounds."""
    async with row.prepare(context) as measure:
        return Result(row=row, samples=[await measure() for _ in range(1 if context.short else row.rounds)])


Rows = Sequence[Row]
Prepared = AsyncIterator[Measure]
