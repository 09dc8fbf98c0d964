"""Which events a build takes: exactly those that the live projection has, each once, however the log is cut."""

import random
import uuid
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from domain.ids import PaymentId
from projections.rebuild.builds import BuildProgress
from projections.rebuild.filling import ahead_of, select
from projections.rebuild.targets import Source, Targets
from schemas.envelope import RecordedEvent
from schemas.topics import PAYMENT
from tests.support.payment_histories import random_history, recorded

SOURCE = Source(projection="payments", partitions=3)
NOTHING = BuildProgress(checkpoints={})


def a_log(seed: int, payments: int = 8) -> list[RecordedEvent]:
    rng = random.Random(seed)
    ids = [PaymentId(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(payments)]
    return recorded([(each, random_history(rng, payment_id=each, steps=6)) for each in ids], rng=rng)


def targets(positions: Mapping[int, int], dead_letters: frozenset[int] = frozenset()) -> Targets:
    """Return those of a live projection that stands at a position in each partition."""
    at = {(PAYMENT, partition): position for partition, position in positions.items()}
    return Targets(positions=at, joining=frozenset(), dead_letters=dead_letters)


def partition(event: RecordedEvent) -> int:
    return SOURCE.place_of(event)[1]


def expected(log: list[RecordedEvent], goal: Targets) -> set[int]:
    return {each.position for each in log if each.position <= goal.positions.get(SOURCE.place_of(each), 0)}


@given(data=st.data(), seed=st.integers(0, 50))
def test_whatever_the_live_projection_has_is_taken_once_and_nothing_else(data: st.DataObject, seed: int) -> None:
    log = a_log(seed)
    last = log[-1].position
    stands = dict.fromkeys(range(SOURCE.partitions), 0)
    progress, taken = NOTHING, list[int]()
    for _ in range(3):  # passes, between which the live projection goes on, in each partition as it likes
        stands = {each: data.draw(st.integers(at, last)) for each, at in stands.items()}
        goal, ahead = targets(stands), None
        left = [each for each in log if progress.read_through < each.position <= goal.end]
        while left:
            size = data.draw(st.integers(1, len(left)))
            batch, left = left[:size], left[size:]
            chosen = select(batch, progress, goal, SOURCE)
            taken += [each.position for each in chosen.events]
            ahead = chosen.first_ahead if ahead is None else ahead
            through = batch[-1].position if ahead is None else ahead - 1
            progress = BuildProgress(checkpoints=chosen.progress.checkpoints, read_through=through)
            if data.draw(st.booleans()) and data.draw(st.booleans()):
                break  # killed: the next pass goes on with what was saved
        else:
            assert set(taken) == expected(log, goal)
        assert len(taken) == len(set(taken))
        assert ahead_of(progress.checkpoints, goal) == []


@given(data=st.data(), seed=st.integers(0, 50))
def test_a_run_is_taken_by_the_rule_of_each_event_whatever_the_usual_case(data: st.DataObject, seed: int) -> None:
    log = a_log(seed)
    at = st.sampled_from([0, *(each.position for each in log)])
    has = {(PAYMENT, each): data.draw(at | st.just(0)) for each in range(SOURCE.partitions)}
    to = {each: data.draw(at | st.just(log[-1].position)) for each in range(SOURCE.partitions)}
    dead = frozenset(data.draw(st.sets(at, max_size=2)))
    run = log[data.draw(st.integers(0, len(log) - 1)) :]
    batch = select(run, BuildProgress(checkpoints=has), targets(to, dead), SOURCE)
    new = [each for each in run if has[SOURCE.place_of(each)] < each.position <= to[partition(each)]]
    assert list(batch.events) == [each for each in new if each.position not in dead]
    assert batch.progress.skipped == dead & {each.position for each in new}
    assert batch.progress.checkpoints == has | {SOURCE.place_of(each): each.position for each in new}
    assert batch.first_ahead == next((each.position for each in run if each.position > to[partition(each)]), None)


def test_a_lagging_partition_is_read_again_and_the_others_applied_once() -> None:
    log = a_log(1)
    slow = partition(log[0])
    goal = targets({each: log[-1].position for each in range(3) if each != slow})
    first = select(log, NOTHING, goal, SOURCE)
    assert first.first_ahead == log[0].position
    assert {partition(each) for each in first.events}.isdisjoint({slow})
    second = select(log, first.progress, targets(dict.fromkeys(range(3), log[-1].position)), SOURCE)
    assert second.first_ahead is None
    assert {partition(each) for each in second.events} == {slow}
    assert len(first.events) + len(second.events) == len(log)


def test_dead_letters_are_left_out_and_remembered() -> None:
    log = a_log(2)
    dead = frozenset({log[3].position, log[5].position})
    batch = select(log, NOTHING, targets(dict.fromkeys(range(3), log[-1].position), dead), SOURCE)
    assert batch.progress.skipped == dead
    assert {each.position for each in batch.events} == {each.position for each in log} - dead


def test_a_build_ahead_of_the_live_projection_is_known_by_its_partitions() -> None:
    has = {(PAYMENT, 0): 10, (PAYMENT, 1): 20, (PAYMENT, 2): 5}
    assert ahead_of(has, targets({0: 10, 1: 19})) == [(PAYMENT, 1), (PAYMENT, 2)]


def test_a_projection_of_two_topics_is_built_from_the_categories_of_both() -> None:
    assert set(Source(projection="ledger", partitions=3).categories) == {"payment", "stripe-balance"}
