"""The run of a day, and the life of a discrepancy."""

import uuid
from dataclasses import replace
from datetime import date

import pytest

from domain.ids import RunId
from domain.reconciliation.classify import classify
from domain.reconciliation.discrepancy import (
    DiscrepancyState,
    Explain,
    Observe,
    Resolve,
    decide_discrepancy,
    evolve_discrepancy,
    fold_discrepancy,
)
from domain.reconciliation.errors import DiscrepancyIsResolved, DiscrepancyNotFound, RunNotUnderWay
from domain.reconciliation.events import (
    DiscrepancyEvent,
    DiscrepancyExplained,
    DiscrepancyOpened,
    DiscrepancyReopened,
    DiscrepancyResolved,
    ReconciliationCompleted,
    ReconciliationRequested,
    ReconciliationStarted,
    RunEvent,
)
from domain.reconciliation.run import (
    CompleteRun,
    FailRun,
    RequestRun,
    RunCommand,
    RunState,
    RunStatus,
    StartRun,
    decide_run,
    evolve_run,
    fold_run,
    run_id_of,
)
from domain.reconciliation.values import CurrencyTotals, DiscrepancyStatus
from tests.unit.domain.reconciliation.spoiled_sides import DAY, WINDOW
from tests.unit.domain.reconciliation.test_classify import MOVEMENT, ROW

REQUEST = RequestRun(date=DAY, time_zone="UTC", origin="api", actor="api:finance")
COMPLETE = CompleteRun(number=1, totals=())
RUN = RunId(uuid.UUID(int=1))
(MISSING,) = (finding.difference for finding in classify([ROW], [], WINDOW))
(WRONG,) = (finding.difference for finding in classify([ROW], [MOVEMENT._replace(amount=1)], WINDOW))


def run(*commands: RunCommand) -> tuple[RunState, list[RunEvent]]:
    state: RunState | None = None
    events: list[RunEvent] = []
    for command in commands:
        for event in decide_run(state, command):
            state = evolve_run(state, event)
            events.append(event)
    assert state is not None
    return state, events


def test_a_day_that_is_asked_for_twice_is_run_once() -> None:
    state, events = run(REQUEST, replace(REQUEST, origin="schedule"))
    assert [type(event) for event in events] == [ReconciliationRequested]
    assert (state.status, state.number, state.run_id) == (RunStatus.REQUESTED, 1, run_id_of(DAY, "UTC"))
    state, events = run(REQUEST, StartRun(number=1, head=7), REQUEST)
    assert (state.status, len(events)) == (RunStatus.RUNNING, 2)


def test_after_its_end_a_day_can_be_run_again() -> None:
    state, _ = run(REQUEST, StartRun(number=1, head=7), COMPLETE, REQUEST)
    assert (state.status, state.number) == (RunStatus.REQUESTED, 2)
    with pytest.raises(RunNotUnderWay, match=f"Run 1 of the reconciliation {state.run_id} is not under way"):
        decide_run(state, COMPLETE)


def test_a_run_that_was_cut_short_goes_on_and_one_that_failed_begins_again() -> None:
    state, _ = run(REQUEST, StartRun(number=1, head=7), StartRun(number=1, head=9))
    assert (state.attempt, state.head) == (1, 7)
    failed = FailRun(number=1, reason="Stripe is away", final=False)
    state, events = run(REQUEST, StartRun(number=1, head=7), failed, REQUEST, StartRun(number=1, head=9))
    assert (state.attempt, state.head, state.failure) == (2, 9, "Stripe is away")
    assert isinstance(events[-1], ReconciliationStarted)


def test_a_result_is_recorded_once() -> None:
    state, events = run(REQUEST, StartRun(number=1, head=7), COMPLETE, COMPLETE)
    assert (state.status, len(events)) == (RunStatus.COMPLETED, 3)


def test_after_its_final_failure_it_is_over() -> None:
    failed = FailRun(number=1, reason="no", final=True)
    state, _ = run(REQUEST, StartRun(number=1, head=7), failed)
    assert state.status is RunStatus.FAILED
    with pytest.raises(RunNotUnderWay, match=f"Run 1 of the reconciliation {state.run_id} is not under way"):
        decide_run(state, StartRun(number=1, head=8))
    with pytest.raises(RunNotUnderWay, match=f"Run 1 of the reconciliation {RunId(uuid.UUID(int=0))} is not"):
        decide_run(None, StartRun(number=1, head=8))


@pytest.mark.parametrize("report", [None, "activity.csv"])
def test_a_run_is_what_was_asked_for(report: str | None) -> None:
    command = replace(REQUEST, report=report)
    state, events = run(command)
    assert events == [
        ReconciliationRequested(
            run_id=run_id_of(DAY, "UTC", report),
            number=1,
            date=DAY,
            time_zone="UTC",
            origin="api",
            actor="api:finance",
            report=report,
        )
    ]
    requested = ("date", "time_zone", "origin", "report")
    assert [getattr(state, each) for each in requested] == [getattr(command, each) for each in requested]


def test_a_completed_run_keeps_its_result() -> None:
    result = CompleteRun(
        number=1,
        totals=(CurrencyTotals(currency="USD", stripe_rows=3),),
        found={"amount": 2},
        opened=4,
        resolved=5,
        backfilled=6,
        payouts=7,
    )
    state, events = run(REQUEST, StartRun(number=1, head=7), result)
    completed = events[-1]
    assert isinstance(completed, ReconciliationCompleted)
    assert (state.completed, completed.date) == (completed, DAY)
    reported = ("number", "totals", "found", "opened", "resolved", "backfilled", "payouts")
    assert [getattr(events[-1], each) for each in reported] == [getattr(result, each) for each in reported]


def test_the_events_of_a_day_are_its_run_and_none_are_no_run() -> None:
    state, events = run(REQUEST, StartRun(number=1, head=7), COMPLETE)
    assert fold_run(events) == state
    assert fold_run([]) is None


def test_a_report_has_runs_of_its_own() -> None:
    assert run_id_of(DAY, "UTC") != run_id_of(DAY, "UTC", "activity.csv")
    assert run_id_of(DAY, "UTC") != run_id_of(DAY, "Asia/Tokyo")


def observe(difference: object = MISSING, *, resolve_reason: str | None = None) -> Observe:
    return Observe(run_id=RUN, number=1, difference=difference, resolve_reason=resolve_reason)  # type: ignore[arg-type]


def live(*commands: Observe | Explain | Resolve) -> tuple[DiscrepancyState, list[DiscrepancyEvent]]:
    state: DiscrepancyState | None = None
    events: list[DiscrepancyEvent] = []
    for command in commands:
        for event in decide_discrepancy(state, command):
            state = evolve_discrepancy(state, event)
            events.append(event)
    assert state is not None
    return state, events


EXPLAIN = Explain(actor="ana", reason="a gift card")
GONE = Resolve(actor="reconciliation", reason="it is gone", run_id=RUN, number=2)


def test_it_is_opened_once_however_often_it_is_seen() -> None:
    state, events = live(observe(), observe(), Observe(run_id=RUN, number=2, difference=MISSING))
    assert [type(event) for event in events] == [DiscrepancyOpened]
    assert state.status is DiscrepancyStatus.OPEN


def test_the_run_of_another_day_sees_the_same() -> None:
    other_day = replace(MISSING, date=DAY.replace(day=11))
    assert len(live(observe(), observe(other_day))[1]) == 1


def test_an_explanation_holds_while_it_is_the_same() -> None:
    state, events = live(observe(WRONG), EXPLAIN, observe(WRONG), EXPLAIN)
    assert (state.status, state.actor, state.reason) == (DiscrepancyStatus.EXPLAINED, "ana", "a gift card")
    assert [type(event) for event in events] == [DiscrepancyOpened, DiscrepancyExplained]
    assert WRONG.ledger is not None
    worse = replace(WRONG, ledger=replace(WRONG.ledger, amount=2))
    state, events = live(observe(WRONG), EXPLAIN, observe(worse))
    assert isinstance(events[-1], DiscrepancyReopened)
    assert (state.status, state.difference) == (DiscrepancyStatus.OPEN, worse)


@pytest.mark.parametrize(
    ("again", "is_new"),
    [
        (Explain(actor="ana", reason="a gift card"), False),
        (Explain(actor="bo", reason="a gift card"), True),
        (Explain(actor="ana", reason="a rebate"), True),
        (Explain(actor="bo", reason="a rebate"), True),
    ],
)
def test_only_the_same_explanation_by_the_same_person_changes_nothing(again: Explain, *, is_new: bool) -> None:
    before, _ = live(observe(WRONG), EXPLAIN)
    state, events = live(observe(WRONG), EXPLAIN, again)
    assert len(events) == (3 if is_new else 2)
    assert state == replace(before, actor=again.actor, reason=again.reason)


def test_what_was_resolved_for_a_reason_is_not_as_good_as_explained() -> None:
    same = Resolve(actor=EXPLAIN.actor, reason=EXPLAIN.reason)
    state, _ = live(observe(WRONG), same, observe(WRONG), EXPLAIN)
    assert (state.status, state.actor, state.reason) == (DiscrepancyStatus.EXPLAINED, "ana", "a gift card")


@pytest.mark.parametrize("resolve", [GONE, Resolve(actor="ana", reason="booked by hand")])
def test_a_resolution_keeps_who_said_so_why_and_in_which_run(resolve: Resolve) -> None:
    state, events = live(observe(), EXPLAIN, resolve)
    assert events[-1] == DiscrepancyResolved(
        discrepancy_id=MISSING.discrepancy_id,
        actor=resolve.actor,
        reason=resolve.reason,
        run_id=resolve.run_id,
        number=resolve.number,
    )
    assert (state.status, state.actor, state.reason) == (DiscrepancyStatus.RESOLVED, resolve.actor, resolve.reason)


def test_it_is_resolved_once_and_opened_again_when_it_comes_back() -> None:
    state, events = live(observe(), GONE, GONE, observe(), GONE)
    assert [type(event) for event in events] == [
        DiscrepancyOpened,
        DiscrepancyResolved,
        DiscrepancyReopened,
        DiscrepancyResolved,
    ]
    assert state.status is DiscrepancyStatus.RESOLVED


def test_what_settles_by_itself_is_resolved_as_it_is_opened_and_stays_so() -> None:
    _, events = live(observe(resolve_reason="of the next day"), observe(resolve_reason="of the next day"))
    assert [type(event) for event in events] == [DiscrepancyOpened, DiscrepancyResolved]
    _, events = live(observe(), observe(resolve_reason="of the next day"))
    assert [type(event) for event in events] == [DiscrepancyOpened, DiscrepancyResolved]


def test_what_is_not_there_or_is_resolved_cannot_be_explained() -> None:
    with pytest.raises(DiscrepancyNotFound, match="There is no such discrepancy"):
        decide_discrepancy(None, EXPLAIN)
    state, _ = live(observe(), GONE)
    with pytest.raises(DiscrepancyIsResolved, match=f"Discrepancy {MISSING.discrepancy_id} is resolved"):
        decide_discrepancy(state, EXPLAIN)


def test_the_id_of_a_days_runs_is_the_same_for_ever() -> None:
    assert str(run_id_of(date(2026, 3, 10), "UTC")) == "7d66d436-919d-5dc7-891d-448ced50236c"
    assert str(run_id_of(date(2026, 3, 10), "Europe/Berlin", "balance.csv")) == "a90721db-39c9-593c-969b-661d20b81c68"


def test_each_event_of_a_run_names_the_run_and_its_number() -> None:
    retried = FailRun(number=1, reason="no answer", final=False)
    _, events = run(REQUEST, StartRun(number=1, head=7), retried, StartRun(number=1, head=8), COMPLETE, REQUEST)
    assert {event.run_id for event in events} == {run_id_of(DAY, "UTC")}
    assert [event.number for event in events] == [1, 1, 1, 1, 1, 2]
    assert [event.attempt for event in events if isinstance(event, ReconciliationStarted)] == [1, 2]


def test_each_event_of_a_discrepancy_names_the_run_that_found_it() -> None:
    later = uuid.UUID(int=2)
    state: DiscrepancyState | None = None
    events: list[DiscrepancyEvent] = []
    for command in (
        Observe(difference=MISSING, run_id=RUN, number=1, resolve_reason=None),
        Observe(difference=MISSING, run_id=RunId(later), number=5, resolve_reason="it came"),
        Observe(difference=MISSING, run_id=RUN, number=6, resolve_reason=None),
        Resolve(actor="ada", reason="booked by hand", run_id=RunId(later), number=7),
    ):
        for event in decide_discrepancy(state, command):
            state = evolve_discrepancy(state, event)
            events.append(event)
    expected = [
        (DiscrepancyOpened, RUN, 1),
        (DiscrepancyResolved, later, 5),
        (DiscrepancyReopened, RUN, 6),
        (DiscrepancyResolved, later, 7),
    ]
    assert [(type(event), event.run_id, event.number) for event in events] == expected  # type: ignore[union-attr]
    assert {event.discrepancy_id for event in events} == {MISSING.discrepancy_id}


def test_what_explains_itself_is_opened_and_resolved_by_the_reconciliation() -> None:
    seen = Observe(difference=MISSING, run_id=RUN, number=1, resolve_reason="it came later")
    opened, resolved = decide_discrepancy(None, seen)
    assert isinstance(opened, DiscrepancyOpened)
    assert isinstance(resolved, DiscrepancyResolved)
    assert (resolved.actor, resolved.reason) == ("reconciliation", "it came later")
    state = fold_discrepancy([opened, resolved])
    assert state is not None
    assert (state.status, state.actor, state.reason) == (DiscrepancyStatus.RESOLVED, "reconciliation", "it came later")
    again = Observe(difference=MISSING, run_id=RUN, number=2, resolve_reason=None)
    reopened, nothing = decide_discrepancy(state, replace(again, resolve_reason=None)), decide_discrepancy(state, seen)
    assert [type(event) for event in reopened] == [DiscrepancyReopened]
    assert nothing == (), "it is known, and as it was"


def test_an_explanation_names_the_discrepancy_and_who_gave_it() -> None:
    (opened,) = decide_discrepancy(None, Observe(difference=MISSING, run_id=RUN, number=1, resolve_reason=None))
    (explained,) = decide_discrepancy(fold_discrepancy([opened]), Explain(actor="ada", reason="a test of ours"))
    assert explained == DiscrepancyExplained(
        discrepancy_id=MISSING.discrepancy_id, actor="ada", reason="a test of ours"
    )


def test_what_never_happened_is_no_discrepancy() -> None:
    assert fold_discrepancy([]) is None
