"""Every error that a command can end in is told, and told in one way."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from command_api.errors import ERROR_SPECS, CommandError, KeyInUse, problem_of
from domain.errors import DomainError
from domain.ids import DisputeId, PaymentId
from domain.money import AmountTooSmall, Money
from domain.payment.errors import (
    InconsistentObservation,
    PaymentDisputed,
    PaymentNotRefundable,
    RefundExceedsRefundable,
)
from domain.payment.values import DisputeStatus, PaymentStatus

PAYMENT = PaymentId(UUID(int=1))
NOT_A_CLIENTS = {
    "domain_error",  # roots
    "payment_error",
    "payment_unknown",  # asked for before deciding: payment_not_found
    "inconsistent_observation",  # of observations, which no client sends
    "broken_history",
    *("split_payment_error", "split_payment_unknown", "broken_split_history"),  # likewise
    "split_payment_not_stuck",  # of an operator's command
    *("task_given_up", "contradiction_not_acceptable"),  # of an operator's command
    "ledger_error",  # of the projector
    "refund_unknown",
    "unbalanced_posting",
    # of reconciliation, where a client only asks for a day
    *("reconciliation_error", "rows_not_sorted", "run_not_under_way"),
    *("discrepancy_not_found", "discrepancy_is_resolved"),
    *("ledger_error", "unbalanced_posting", "refund_unknown"),
    *("access_error", "merchant_exists", "invalid_merchant", "invalid_api_key", "api_key_not_usable"),
    *("staff_is_locked", "staff_not_readable", "locks_themselves"),
}


def subclasses(root: type[Exception]) -> Iterator[type[Exception]]:
    for each in root.__subclasses__():
        yield each
        yield from subclasses(each)


def test_every_error_of_the_domain_and_of_commands_has_a_spec() -> None:

    own = {
        each.__dict__["code"]
        for root in (DomainError, CommandError)
        for each in subclasses(root)
        if "code" in each.__dict__
    }
    assert own - NOT_A_CLIENTS == set(ERROR_SPECS)


def test_a_refund_of_too_much_tells_what_can_be_refunded() -> None:
    def usd(cents: int) -> Money:
        return Money(amount_cents=cents, currency="USD")

    problem = problem_of(
        RefundExceedsRefundable(
            payment_id=PAYMENT, requested=usd(60), refundable=usd(40), refunded=usd(50), pending=usd(10)
        )
    )
    assert (problem.status, problem.code) == (422, "refund_amount_exceeds_refundable")
    assert problem.members == {"amount_refundable_cents": 40, "amount_refunded_cents": 50}


def test_a_disputed_payment_tells_by_which_dispute() -> None:
    disputed = PaymentDisputed(payment_id=PAYMENT, dispute_id=DisputeId("du_1"), dispute_status=DisputeStatus.LOST)
    problem = problem_of(disputed)
    assert (problem.status, problem.code) == (409, "payment_disputed")
    assert problem.members == {"dispute": {"id": "du_1", "status": "lost"}}


def test_a_wrong_status_and_a_wrong_amount_are_told() -> None:
    not_now = PaymentNotRefundable(payment_id=PAYMENT, status=PaymentStatus.PENDING, reason="No")
    assert problem_of(not_now).status == 409
    assert problem_of(not_now).members == {"payment_status": "pending"}
    one, fifty = Money(amount_cents=1, currency="USD"), Money(amount_cents=50, currency="USD")
    too_small = AmountTooSmall(amount=one, minimum=fifty)
    assert problem_of(too_small).members == {
        "amount_minimum_cents": 50,
        "errors": [{"field": "amount_cents", "message": str(too_small)}],
    }


def test_a_key_in_use_says_when_to_try_again() -> None:
    assert problem_of(KeyInUse()).headers == {"Retry-After": "1"}


def test_an_error_that_no_client_can_cause_is_not_dressed_up() -> None:
    with pytest.raises(InconsistentObservation):
        problem_of(InconsistentObservation(payment_id=PAYMENT, reason="x"))
