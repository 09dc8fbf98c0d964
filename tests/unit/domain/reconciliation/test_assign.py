"""Who looks into a discrepancy."""

import pytest

from domain.reconciliation.discrepancy import (
    Assign,
    DiscrepancyCommand,
    DiscrepancyState,
    Explain,
    Observe,
    Resolve,
    decide_discrepancy,
    evolve_discrepancy,
)
from domain.reconciliation.errors import DiscrepancyIsResolved, DiscrepancyNotFound
from domain.reconciliation.events import DiscrepancyAssigned
from domain.reconciliation.values import DiscrepancyStatus
from schemas.events.examples import DIFFERENCE, RUN_ID

FOUND = Observe(run_id=RUN_ID, number=1, difference=DIFFERENCE)
TO_BO = Assign(assignee="bo", actor="ana", reason="knows the bank")


def after(*commands: DiscrepancyCommand) -> DiscrepancyState:
    state: DiscrepancyState | None = None
    for command in commands:
        for event in decide_discrepancy(state, command):
            state = evolve_discrepancy(state, event)
    assert state is not None
    return state


def test_an_assignment_says_who_and_why_and_changes_no_status() -> None:
    (event,) = decide_discrepancy(after(FOUND), TO_BO)
    assert event == DiscrepancyAssigned(
        discrepancy_id=DIFFERENCE.discrepancy_id, assignee="bo", actor="ana", reason="knows the bank"
    )
    state = after(FOUND, TO_BO)
    assert (state.assignee, state.status, state.actor, state.reason) == ("bo", DiscrepancyStatus.OPEN, None, None)


def test_the_same_assignment_twice_is_one() -> None:
    assert decide_discrepancy(after(FOUND, TO_BO), TO_BO) == ()
    assert decide_discrepancy(after(FOUND), Assign(assignee=None, actor="ana")) == ()


def test_it_can_be_nobodys_again() -> None:
    assert after(FOUND, TO_BO, Assign(assignee=None, actor="ana")).assignee is None


def test_it_stays_through_an_explanation_and_when_it_comes_back() -> None:
    explained = after(FOUND, TO_BO, Explain(actor="bo", reason="a rebate"))
    assert (explained.assignee, explained.status) == ("bo", DiscrepancyStatus.EXPLAINED)
    back = after(FOUND, TO_BO, Resolve(actor="bo", reason="paid"), FOUND)
    assert (back.assignee, back.status) == ("bo", DiscrepancyStatus.OPEN)


def test_what_is_resolved_or_not_there_is_nobodys_to_look_into() -> None:
    with pytest.raises(DiscrepancyIsResolved):
        decide_discrepancy(after(FOUND, Resolve(actor="ana", reason="paid")), TO_BO)
    with pytest.raises(DiscrepancyNotFound):
        decide_discrepancy(None, TO_BO)
