"""A quick listing ends where nothing is new; whatever it did not reach, a whole one does."""

import asyncio
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from structlog.testing import capture_logs

from consumers.stripe.lists.poll import Reach
from consumers.stripe.translate.errors import UnexpectedObject
from tests.support.choices import Choices, choices
from tests.support.hypothesis_profiles import examples
from tests.unit.consumers.stripe.lists.memory_list import MemoryList, MemoryLog

OVERLAP_S = 30
REACH = Reach(overlap_s=OVERLAP_S, page_size=2)


class CutShort(Exception):
    pass


@pytest.fixture
def list_() -> MemoryList:
    return MemoryList()


@pytest.fixture
def log(list_: MemoryList, monkeypatch: pytest.MonkeyPatch) -> MemoryLog:
    log = MemoryLog(list_)
    log.is_kept_here(monkeypatch)
    return log


def show(list_: MemoryList, first: int, last: int) -> None:
    """Show a row of each second."""
    for created in range(first, last + 1):
        list_.show(created, f"row-{created}")


@pytest.mark.parametrize("rows", [1, 3000])
async def test_nothing_new_costs_one_call_whatever_lies_in_the_overlap(
    list_: MemoryList, log: MemoryLog, rows: int
) -> None:
    reach = Reach(overlap_s=rows, page_size=100)
    show(list_, 1, rows)
    assert await log.poll(reach, whole=True)
    list_.calls = 0
    for _ in range(3):
        assert await log.poll(reach, whole=False)
    assert list_.calls == 3
    list_.calls = 0
    assert await log.poll(reach, whole=True)
    assert list_.calls == max(1, rows // 100)


async def test_it_reads_what_is_new_and_one_page_more(list_: MemoryList, log: MemoryLog) -> None:
    show(list_, 100, 119)
    assert await log.poll(REACH, whole=True)
    show(list_, 120, 124)
    list_.calls = 0
    assert await log.poll(REACH, whole=False)
    assert list_.calls == 4
    assert len(log.recorded) == 25
    assert log.cursor.listing_from is None


async def test_a_row_that_cannot_be_recorded_holds_up_no_other(list_: MemoryList, log: MemoryLog) -> None:
    show(list_, 100, 119)
    log.unreadable = {"row-104", "row-111"}
    assert await log.poll(REACH, whole=True)
    show(list_, 120, 400)
    assert await log.poll(REACH, whole=True)
    assert log.recorded == {f"row-{created}" for created in range(100, 401)} - log.unreadable
    assert log.cursor.watermark == 400, "it holds up no listing either"
    list_.calls = 0
    assert await log.poll(REACH, whole=True)
    assert list_.calls == 16, "it reaches back for the overlap alone"

    log.unreadable = set()  # a release of ours reads it
    assert await log.poll(REACH, whole=False)
    assert {"row-104", "row-111"} <= log.recorded
    list_.looked_up.clear()
    assert await log.poll(REACH, whole=True)
    assert (list_.looked_up, log.left_out) == ([], {})


NO_ROWS: list[Any] = [
    None,
    7,
    "row-104",
    ["row-104"],
    {},
    {"created": 104},
    {"id": None, "created": 104},
    {"id": 104, "created": 104},
    {"id": "row\0", "created": 104},
    {"id": {"id": "row-104"}, "created": 104},
]


@pytest.mark.parametrize("shown", NO_ROWS)
@pytest.mark.parametrize("at", [104, 105, 119], ids=["last of a page", "first of a page", "newest"])
async def test_a_row_without_an_id_holds_up_no_other(list_: MemoryList, log: MemoryLog, shown: Any, at: int) -> None:
    show(list_, 100, 119)
    list_.of_another_shape = {f"row-{at}": shown}
    with capture_logs() as logs:
        assert await log.poll(REACH, whole=True)
    assert log.recorded == {f"row-{created}" for created in range(100, 120)} - {f"row-{at}"}
    said = [each for each in logs if each["event"] == "stripe_list_row_left_out"]
    assert said
    assert {each["stripe_id"] for each in said} == {None}
    assert log.left_out == {}, "it cannot be asked for"
    assert (log.cursor.watermark, log.cursor.listing_from) == (max(119 - (at == 119), 118), None)
    show(list_, 120, 121)
    assert await log.poll(REACH, whole=False)
    assert {"row-120", "row-121"} <= log.recorded


@pytest.mark.parametrize("created", [None, "soon", 1.5, -1, 2**63, 1_700_000_000_000, ...])
async def test_a_row_that_says_no_moment_moves_no_watermark(list_: MemoryList, log: MemoryLog, created: Any) -> None:
    show(list_, 100, 105)
    list_.of_another_shape = {"row-105": {"id": "row-105"} | ({} if created is ... else {"created": created})}
    assert await log.poll(REACH, whole=True)
    assert log.cursor.watermark == 104


async def test_a_page_that_leads_nowhere_leaves_the_rows_above_it(list_: MemoryList, log: MemoryLog) -> None:
    show(list_, 100, 109)
    list_.of_another_shape = {"row-104": None, "row-105": None}
    for _ in range(2):
        with pytest.raises(UnexpectedObject, match="no row of a page of balance_transactions has an id"):
            await log.poll(REACH, whole=True)
        assert log.recorded == {f"row-{created}" for created in range(106, 110)}
        assert (log.cursor.watermark, log.claimed) == (0, 0), "it has not read the list"
    show(list_, 110, 111)
    with pytest.raises(UnexpectedObject):
        await log.poll(REACH, whole=True)
    assert {"row-110", "row-111"} <= log.recorded
    list_.of_another_shape = {}
    assert await log.poll(REACH, whole=True)
    assert log.missing(list_.rows) == set()


async def test_a_page_of_rows_that_cannot_be_recorded_ends_no_quick_listing(list_: MemoryList, log: MemoryLog) -> None:
    show(list_, 100, 101)
    assert await log.poll(REACH, whole=True)
    show(list_, 102, 107)
    log.unreadable = {"row-106", "row-107"}
    assert await log.poll(REACH, whole=False)
    assert log.recorded == {f"row-{created}" for created in range(100, 106)}
    list_.calls = 0
    assert await log.poll(REACH, whole=False)
    assert list_.calls == 1, "they are nothing new then"


async def test_a_row_that_stripe_has_no_more_is_given_up_and_named(list_: MemoryList, log: MemoryLog) -> None:
    log.unreadable = {"bad"}
    list_.show(100, "bad")
    assert await log.poll(REACH, whole=True)
    list_.rows = []
    with capture_logs() as logs:
        assert await log.poll(REACH, whole=True)
    assert log.left_out == {}
    assert [(each["log_level"], each["stripe_id"]) for each in logs if each["event"] == "stripe_list_row_tried"] == [
        ("error", "bad")
    ]


async def test_of_many_rows_left_out_few_are_tried_and_each_in_turn(list_: MemoryList, log: MemoryLog) -> None:
    show(list_, 100, 149)
    log.unreadable = {f"row-{created}" for created in range(100, 150)}
    assert await log.poll(REACH, whole=True)
    list_.looked_up.clear()
    show(list_, 500, 501)
    for _ in range(3):
        assert await log.poll(REACH, whole=False)
    assert len(list_.looked_up) == 60
    assert set(list_.looked_up) == log.unreadable
    log.unreadable = set()
    assert await log.poll(REACH, whole=False)
    assert log.left_out == {}, "all at once, when they can be read"


async def test_a_row_that_stripe_does_not_answer_for_fails_no_listing(list_: MemoryList, log: MemoryLog) -> None:
    show(list_, 100, 101)
    log.unreadable = {"row-100", "row-101"}
    list_.unanswered = {"row-100"}
    assert await log.poll(REACH, whole=True)
    log.unreadable = set()
    show(list_, 500, 500)
    for _ in range(2):
        assert await log.poll(REACH, whole=False)
    assert list(log.left_out) == ["row-100"], "the other one came first then"
    assert "row-101" in log.recorded


async def test_a_quick_one_leaves_the_watermark_to_the_whole_one(list_: MemoryList, log: MemoryLog) -> None:
    """Else a row that is shown late between two whole ones would be behind the overlap of the second."""
    list_.show(100, "first")
    assert await log.poll(REACH, whole=True)
    for created in range(101, 200):
        list_.show(created, f"row-{created}")
        assert await log.poll(REACH, whole=False)
    list_.show(110, "late")
    assert await log.poll(REACH, whole=False)
    assert "late" not in log.recorded
    assert await log.poll(REACH, whole=True)
    assert "late" in log.recorded
    assert log.cursor.watermark == 199


async def test_one_that_was_cut_short_goes_on_to_its_end(list_: MemoryList, log: MemoryLog) -> None:
    """A page of it without anything new says nothing of those below: others record such rows too."""
    show(list_, 100, 109)

    async def fail() -> None:
        if list_.calls == 3:
            raise CutShort

    list_.before_page = fail
    with pytest.raises(CutShort):
        await log.poll(REACH, whole=False)
    log.recorded |= {"row-105", "row-104"}
    assert await log.poll(REACH, whole=False)
    assert log.missing(list_.rows) == set()
    assert log.cursor.watermark == 109


async def test_one_whose_place_is_gone_is_not_ended_by_its_own_first_pages(list_: MemoryList, log: MemoryLog) -> None:
    show(list_, 100, 109)

    async def forget_the_place() -> None:
        if list_.calls == 3:
            list_.rows = [row for row in list_.rows if row[1] != log.cursor.listing_after]

    list_.before_page = forget_the_place
    assert await log.poll(REACH, whole=False)
    assert log.missing(list_.rows) == set()


async def test_two_at_once_do_not_end_each_other(list_: MemoryList, log: MemoryLog) -> None:
    show(list_, 100, 109)

    async def overtake() -> None:
        if list_.calls == 2:
            assert await log.poll(REACH, whole=False)

    list_.before_page = overtake
    assert not await log.poll(REACH, whole=False)
    assert log.missing(list_.rows) == set()


@settings(max_examples=examples(300))
@given(made=choices(400))
def test_after_a_whole_one_nothing_is_missing(made: Choices) -> None:
    """Rows appear late, and pollers are cut short and take over from each other, at any page."""
    _play(made, kinds=("new", "late", "bad", "time", "quick", "quick", "whole"), last_is_whole=True)


@settings(max_examples=examples(300))
@given(made=choices(400))
def test_where_no_row_is_late_each_listing_finds_all_shown_before_it(made: Choices) -> None:
    _play(made, kinds=("new", "bad", "time", "quick", "quick", "whole"), last_is_whole=False)


def _play(made: Choices, *, kinds: tuple[str, ...], last_is_whole: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        log = MemoryLog(MemoryList())
        log.is_kept_here(patch)
        asyncio.run(_History(made, log, kinds).run(last_is_whole=last_is_whole))


class _History:
    """What happens to a list and its pollers, as Hypothesis draws it."""

    def __init__(self, made: Choices, log: MemoryLog, kinds: tuple[str, ...]) -> None:
        self._choices, self._log, self._list, self._kinds = made, log, log.list_, kinds
        self._list.before_page = self._before_page
        self._now = 1000
        self._numbers: Iterator[int] = count()
        self._reach = Reach(overlap_s=OVERLAP_S, page_size=made.integer(1, 2))
        self._nested = 0

    async def run(self, *, last_is_whole: bool) -> None:
        for _ in range(self._choices.integer(5, 25)):
            await self._happen()
        self._list.before_page = _undisturbed
        if self._log.cursor.listing_from is not None:  # it began before some of them were shown
            assert await self._poll(whole=False)
        assert await self._log.poll(self._reach, whole=last_is_whole)
        assert self._log.missing(self._list.rows) == set()
        self._log.unreadable = set()  # a release of ours reads all that was left out, however long ago
        assert await self._log.poll(self._reach, whole=False)
        assert (self._log.missing(self._list.rows), self._log.left_out) == (set(), {})

    async def _happen(self) -> None:
        match self._choices.of(self._kinds):
            case "new":
                for _ in range(self._choices.integer(1, 4)):
                    self._now += self._choices.integer(0, 10)
                    self._show(self._now)
            case "bad":
                self._log.unreadable.add(self._show(self._now))
            case "late":
                self._show(self._now - self._choices.integer(0, OVERLAP_S))
            case "time":
                self._now += self._choices.integer(1, OVERLAP_S)
            case kind:
                stops = self._choices.boolean()
                await self._poll(whole=kind == "whole", stops=stops)

    def _show(self, created: int) -> str:
        name = f"{next(self._numbers):04}"
        self._list.show(created, name)
        return name

    async def _poll(self, *, whole: bool, stops: bool = False) -> bool:
        def go_on() -> bool:
            return not stops or self._choices.integer(0, 7) > 0

        try:
            ended = await self._log.poll(self._reach, whole=whole, go_on=go_on)
        except CutShort:
            return False
        if "late" not in self._kinds:
            assert self._log.missing(self._list.shown[: self._log.claimed]) == set()
        return ended

    async def _before_page(self) -> None:
        match self._choices.integer(0, 15):
            case 0:
                raise CutShort
            case 1 if self._nested < 2:
                self._nested += 1
                await self._happen()
                self._nested -= 1
            case 2:
                # Stripe forgets the row after which the listing under way goes on.
                self._list.rows = [row for row in self._list.rows if row[1] != self._log.cursor.listing_after]


async def _undisturbed() -> None:
    return
