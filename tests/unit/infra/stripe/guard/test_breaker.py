"""The circuit breaker against a plain model, in any order of calls, answers and passing time."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import takewhile

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from infra.stripe.guard.breaker import Admission, Breaker, Result, Rules, State
from tests.support.hypothesis_profiles import examples

RULES = Rules(window_s=10, minimum_calls=4, failure_ratio=0.5, consecutive=1000, open_s=2, longest_open_s=12, probes=2)
LEGAL = {
    (State.CLOSED, State.OPEN),
    (State.OPEN, State.HALF_OPEN),
    (State.HALF_OPEN, State.OPEN),
    (State.HALF_OPEN, State.CLOSED),
}


def longest(_: float, most: float) -> float:
    return most


def breaker(rules: Rules = RULES) -> Breaker:
    return Breaker(rules, uniform=longest)


def end(subject: Breaker, result: Result, now: float, times: int = 1) -> None:
    """Make calls that end as they begin."""
    for _ in range(times):
        admission = subject.admit(now)
        assert admission is not None
        subject.record(admission, result, now)


def opened(now: float = 0.0) -> Breaker:
    subject = breaker()
    end(subject, Result.DOWN, now, times=4)
    assert subject.state(now) is State.OPEN
    return subject


def test_it_opens_when_half_of_the_calls_find_it_down() -> None:
    subject = breaker()
    end(subject, Result.UP, 0, times=3)
    end(subject, Result.DOWN, 1, times=2)
    assert subject.state(1) is State.CLOSED
    end(subject, Result.DOWN, 1)
    assert subject.state(1) is State.OPEN
    assert subject.admit(1) is None


def test_a_few_calls_prove_nothing() -> None:
    subject = breaker()
    end(subject, Result.DOWN, 0, times=3)
    end(subject, Result.NOTHING, 0, times=50)
    assert subject.state(0) is State.CLOSED


def test_what_is_older_than_the_window_does_not_count() -> None:
    subject = breaker()
    end(subject, Result.DOWN, 0, times=3)
    end(subject, Result.DOWN, 10, times=3)
    assert subject.state(10) is State.CLOSED
    end(subject, Result.DOWN, 10.1)
    assert subject.state(10.1) is State.OPEN


def test_it_closes_when_all_probes_find_it_up() -> None:
    subject = opened()
    assert subject.state(1.99) is State.OPEN
    assert subject.wait_s(1.5) == pytest.approx(0.5)
    assert subject.state(2) is State.HALF_OPEN
    first, second = subject.admit(2), subject.admit(2)
    assert first is not None
    assert second is not None
    assert subject.admit(2) is None
    assert subject.capacity(2) == 0
    subject.record(first, Result.UP, 3)
    assert subject.capacity(3) == 0  # the other one is still out
    subject.record(second, Result.UP, 3)
    assert subject.state(3) is State.CLOSED
    assert subject.capacity(3) is None


def test_a_probe_that_says_nothing_makes_room_for_another() -> None:
    subject = opened()
    end(subject, Result.NOTHING, 2, times=20)
    assert subject.state(2) is State.HALF_OPEN
    end(subject, Result.UP, 2, times=2)
    assert subject.state(2) is State.CLOSED


def test_one_probe_that_finds_it_down_opens_it_again_for_longer_each_time() -> None:
    subject, now = opened(), 0.0
    for open_s in (2, 4, 8, 12, 12):
        assert subject.wait_s(now) == pytest.approx(open_s)
        now += open_s
        end(subject, Result.UP, now)
        end(subject, Result.DOWN, now)
        assert subject.state(now) is State.OPEN


def test_it_forgets_how_often_it_opened_after_a_whole_window_closed() -> None:
    subject = opened()
    end(subject, Result.UP, 2, times=2)
    end(subject, Result.DOWN, 5, times=4)
    assert subject.wait_s(5) == pytest.approx(4)  # closed for 3 s only
    end(subject, Result.UP, 9, times=2)
    end(subject, Result.DOWN, 19.5, times=4)
    assert subject.wait_s(19.5) == pytest.approx(2)


def test_calls_that_began_before_it_opened_say_nothing_later() -> None:
    subject = breaker()
    late = [subject.admit(0) for _ in range(10)]
    end(subject, Result.DOWN, 0, times=4)
    assert subject.state(2) is State.HALF_OPEN
    for admission in late[:5]:
        assert admission is not None
        subject.record(admission, Result.DOWN, 2)
    assert subject.capacity(2) == 2
    end(subject, Result.UP, 2, times=2)
    for admission in late[5:]:
        assert admission is not None
        subject.record(admission, Result.DOWN, 2)
    assert subject.state(2) is State.CLOSED


def test_failures_in_a_row_open_it_however_many_calls_went_well_before() -> None:
    subject = breaker(replace(RULES, consecutive=5))
    end(subject, Result.UP, 0, times=900)
    end(subject, Result.DOWN, 1, times=4)
    end(subject, Result.NOTHING, 1)
    assert subject.state(1) is State.CLOSED
    end(subject, Result.DOWN, 1)
    assert subject.state(1) is State.OPEN


def test_one_call_that_goes_well_begins_the_row_anew() -> None:
    subject = breaker(replace(RULES, consecutive=5, minimum_calls=1000))
    for _ in range(20):
        end(subject, Result.DOWN, 0, times=4)
        end(subject, Result.UP, 0)
    assert subject.state(0) is State.CLOSED


def test_its_memory_is_bounded() -> None:
    subject = breaker()
    end(subject, Result.UP, 0, times=5000)
    end(subject, Result.DOWN, 0, times=500)
    assert subject.state(0) is State.OPEN


@dataclass
class Model:
    """What was recorded in the present period, and what is out."""

    ended: list[tuple[float, Result]] = field(default_factory=list)
    out: list[Admission] = field(default_factory=list)
    stale: list[Admission] = field(default_factory=list)
    ups: int = 0


class AnyOrder(RuleBasedStateMachine):
    """Calls begin and end, and time passes, in any order."""

    @initialize(
        ratio=st.sampled_from([0.1, 0.5, 1.0]),
        minimum=st.integers(1, 6),
        consecutive=st.integers(2, 6),
        probes=st.integers(1, 4),
    )
    def build(self, ratio: float, minimum: int, consecutive: int, probes: int) -> None:
        self.limits = Rules(
            window_s=10,
            minimum_calls=minimum,
            failure_ratio=ratio,
            consecutive=consecutive,
            open_s=2,
            longest_open_s=12,
            probes=probes,
        )
        self.subject = breaker(self.limits)
        self.now = 100.0
        self.shown = State.CLOSED
        self.model = Model()

    @rule(seconds=st.sampled_from([0.0, 0.5, 2.0, 5.0, 11.0]))
    def pass_time(self, seconds: float) -> None:
        was, left = self.subject.state(self.now), self.subject.wait_s(self.now)
        self.now += seconds
        if was is State.OPEN:
            expected = State.HALF_OPEN if seconds >= left else State.OPEN
            assert self.subject.state(self.now) is expected

    @rule()
    def begin(self) -> None:
        capacity = self.subject.capacity(self.now)
        admission = self.subject.admit(self.now)
        assert (admission is None) == (capacity == 0)
        self.look()
        if admission is not None:
            self.model.out.append(admission)

    @precondition(lambda self: self.model.out)
    @rule(data=st.data(), result=st.sampled_from(Result))
    def end(self, data: st.DataObject, result: Result) -> None:
        admission = data.draw(st.sampled_from(self.model.out))
        self.model.out.remove(admission)
        state = self.subject.state(self.now)
        self.look()
        if result is not Result.NOTHING:
            self.model.ended.append((self.now, result))
        if state is State.HALF_OPEN and result is Result.UP:
            self.model.ups += 1
        counted = [what for when, what in self.model.ended if when > self.now - self.limits.window_s]
        self.subject.record(admission, result, self.now)
        if state is State.CLOSED:
            enough = result is not Result.NOTHING and len(counted) >= self.limits.minimum_calls
            too_many = enough and counted.count(Result.DOWN) >= self.limits.failure_ratio * len(counted)
            opens = too_many or self.failures_in_a_row() >= self.limits.consecutive
            assert self.subject.state(self.now) is (State.OPEN if opens else State.CLOSED)
        elif result is Result.DOWN:
            assert self.subject.state(self.now) is State.OPEN
        else:
            closes = self.model.ups == self.limits.probes
            assert self.subject.state(self.now) is (State.CLOSED if closes else State.HALF_OPEN)

    @precondition(lambda self: self.model.stale)
    @rule(result=st.sampled_from(Result))
    def end_late(self, result: Result) -> None:
        before = (self.subject.state(self.now), self.subject.capacity(self.now), self.subject.wait_s(self.now))
        self.subject.record(self.model.stale.pop(), result, self.now)
        after = (self.subject.state(self.now), self.subject.capacity(self.now), self.subject.wait_s(self.now))
        assert before == after

    def failures_in_a_row(self) -> int:
        return len(list(takewhile(lambda what: what is Result.DOWN, (what for _, what in reversed(self.model.ended)))))

    def look(self) -> None:
        """Follow the state; a new period makes what is out stale."""
        state = self.subject.state(self.now)
        if state is not self.shown:
            assert (self.shown, state) in LEGAL
            self.shown = state
            self.model = Model(stale=self.model.stale + self.model.out)

    @invariant()
    def holds(self) -> None:
        self.look()
        capacity = self.subject.capacity(self.now)
        match self.subject.state(self.now):
            case State.CLOSED:
                assert capacity is None
            case State.HALF_OPEN:
                # It never gets stuck: there is capacity, or somebody is out who will make some.
                assert capacity is not None
                assert capacity >= 0
                assert capacity + len(self.model.out) + self.model.ups == self.limits.probes
                assert capacity > 0 or self.model.out
            case State.OPEN:
                assert capacity == 0
                assert 0 < self.subject.wait_s(self.now) <= self.limits.longest_open_s


AnyOrder.TestCase.settings = settings(max_examples=examples(150), stateful_step_count=60)
TestAnyOrder: Callable[..., object] = AnyOrder.TestCase
