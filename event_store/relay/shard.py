"""Which partitions a relay publishes: several relays share the log by partition."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """Shard `index` (from 0) of `count`."""

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise ValueError(f"there is no shard {self.index} of {self.count}; the first is 0/{self.count}")

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Read `i/n`. Raises ValueError."""
        match = re.fullmatch(r"(\d+)/(\d+)", text)
        if match is None:
            raise ValueError(f"a shard is written i/n, like 0/1, not {text!r}")
        return cls(index=int(match[1]), count=int(match[2]))

    def owns(self, partition: int) -> bool:
        """Whether this shard publishes the partition."""
        return partition % self.count == self.index

    def partitions(self, count: int) -> list[int]:
        """Return which of `count` partitions this shard publishes."""
        return [each for each in range(count) if self.owns(each)]

    def overlaps(self, other: "Shard", partitions: int) -> bool:
        """Whether both publish one of so many partitions: not both of them may run."""
        return any(other.owns(each) for each in self.partitions(partitions))

    @property
    def transactional_id(self) -> str:
        """The producer of this shard, to Kafka: a newer one fences the older."""
        return f"paystream-relay-{self.index}-of-{self.count}"

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"
