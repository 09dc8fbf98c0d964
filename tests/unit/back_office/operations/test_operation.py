"""What the form of an operation has to say before anything is sent."""

import pytest

from back_office.dead_letters.routes import REPLAY
from back_office.discrepancies.routes import ASSIGN, EXPLAIN
from back_office.tasks.routes import GIVE_UP
from back_office.web.forms import FormIncomplete


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_without_a_fitting_reason_nothing_is_sent(reason: str) -> None:
    with pytest.raises(FormIncomplete) as refused:
        EXPLAIN.body({"reason": reason})
    assert set(refused.value.mistakes) == {"reason"}


def test_an_assignee_is_a_name_or_nobody() -> None:
    assert ASSIGN.body({"assignee": " bo "}) == {"assignee": "bo"}
    assert ASSIGN.body({"assignee": "", "reason": "on leave"}) == {"assignee": None, "reason": "on leave"}
    with pytest.raises(FormIncomplete) as refused:
        ASSIGN.body({"assignee": "bo smith"})
    assert set(refused.value.mistakes) == {"assignee"}


def test_force_is_sent_only_when_it_is_ticked() -> None:
    assert GIVE_UP.body({"reason": "a"}) == {"reason": "a"}
    assert GIVE_UP.body({"reason": "a", "force": "yes"}) == {"reason": "a", "force": True}
    assert EXPLAIN.body({"reason": "a", "force": "yes"}) == {"reason": "a"}


def test_a_replay_needs_a_reason_which_is_kept() -> None:
    assert REPLAY.body({"reason": "it is corrected"}) == {"reason": "it is corrected"}
    with pytest.raises(FormIncomplete):
        REPLAY.body({})
