"""`paystream audit replay` into a file that was cut short: it goes on as what it was begun as, and as nothing else."""

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from event_store.replay.files import PART, ReplayRefused
from event_store.replay.reading import Run
from projections.audit import cli_replay
from projections.audit.cli_replay import ReplayRequest

END = 100


class Replaying:
    """A log that ends at `end`. What is read of it is cut short at `cut_at`, with a part for each event."""

    def __init__(self, output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.output = output
        self.end = END
        self.cut_at: int | None = None
        self.read: list[tuple[int, int]] = []
        for name, replacement in (
            ("final_position", self._final_position),
            ("last_up_to", self._last_up_to),
            ("_replay", self._replay),
        ):
            monkeypatch.setattr(cli_replay, name, replacement)
        monkeypatch.setattr("event_store.replay.files._WRITE", {"jsonl": lambda _, path: path.write_text("")})

    async def __call__(self, *, until: str | None = None, as_recorded: bool = False) -> None:
        request = ReplayRequest(
            since=None, until=until, merchant_id=None, categories=None, types=None, as_recorded=as_recorded
        )
        unused = Mock()
        selection = await cli_replay._selection(unused, unused, request, self.output)
        await cli_replay._into_file(unused, unused, selection, self.output, request)

    async def begin(self, **options: Any) -> None:
        """Begin, and be killed."""
        self.cut_at = 5
        with pytest.raises(KeyboardInterrupt):
            await self(**options)
        self.cut_at = None
        self.read.clear()
        self.end += 10  # others append meanwhile

    async def _final_position(self, _: Any) -> int:
        return self.end

    async def _last_up_to(self, _: Any, __: Any, place: Any) -> int:
        return place if isinstance(place, int) else self.end

    async def _replay(self, _: Any, __: Any, selection: Any, add: Any, **___: Any) -> int:
        self.read.append((selection.after, selection.up_to))
        if self.cut_at is not None:
            await add(Run(position=self.cut_at, count=1, events=[Mock()] * PART))
            raise KeyboardInterrupt
        return 0


@pytest.fixture
def replay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Replaying:
    return Replaying(tmp_path / "log.jsonl", monkeypatch)


@pytest.mark.parametrize("until", [None, "40", "2999-01-01"])
async def test_the_same_again_ends_where_it_was_to_end(replay: Replaying, until: str | None) -> None:
    await replay.begin(until=until)
    await replay(until=until)
    assert replay.read == [(5, 40 if until == "40" else END)]
    assert replay.output.exists()


@pytest.mark.parametrize(
    ("begun", "again"),
    [
        ({"until": "40"}, {}),
        ({}, {"until": "40"}),
        ({"as_recorded": True}, {}),
        ({}, {"as_recorded": True}),
    ],
)
async def test_other_options_are_another_file(replay: Replaying, begun: Any, again: Any) -> None:
    """Neither ends a file sooner than was asked for, nor has it personal data in two forms."""
    await replay.begin(**begun)
    with pytest.raises(ReplayRefused, match="parts of another selection"):
        await replay(**again)
    assert replay.read == []
    assert not replay.output.exists()
