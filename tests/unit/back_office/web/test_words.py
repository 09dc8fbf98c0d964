"""Codes become words; what somebody wrote is left alone."""

import pytest

from back_office.web.words import (
    actor_words,
    ago_words,
    counted,
    dead_letter_words,
    difference_words,
    reason_words,
    task_status_words,
    words,
)
from domain.reconciliation.values import DifferenceKind
from infra.kafka.consumer.dead_letters.dead_letter import Reason


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("requested_by_customer", "Requested by customer"),
        ("open", "Open"),
        ("missing_at_stripe", "Missing at Stripe"),
        ("stripe_fees", "Stripe fees"),
        ("Stripe is well", "Stripe is well"),
        ("see order_1.pdf", "see order_1.pdf"),
        ("", ""),
        ("<b>", "<b>"),
    ],
)
def test_a_code_is_said_in_words(text: str, said: str) -> None:
    assert words(text) == said


@pytest.mark.parametrize(
    ("actor", "said"),
    [
        ("api:back-office/anna", "anna, with the API key back-office"),
        ("api:shop", "API key shop"),
        ("stripe-gateway", "Stripe gateway"),
        ("operator:root", "root, on the command line"),
        ("olga@shop.example", "olga@shop.example"),
    ],
)
def test_an_actor_is_named_as_people_know_it(actor: str, said: str) -> None:
    assert actor_words(actor) == said


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("requested_by_customer", "Requested by customer"),
        ("test", "test"),
        ("order_17", "order_17"),
        ("A wish", "A wish"),
    ],
)
def test_a_reason_that_somebody_wrote_stays_as_it_is(reason: str, said: str) -> None:
    assert reason_words(reason) == said


@pytest.mark.parametrize(("number", "said"), [(0, "0 events"), (1, "1 event"), (2, "2 events"), (1200, "1,200 events")])
def test_one_is_not_said_in_the_plural(number: int, said: str) -> None:
    assert counted(number, "event") == said


@pytest.mark.parametrize("kind", DifferenceKind)
def test_a_difference_is_said_in_more_than_a_word(kind: DifferenceKind) -> None:
    assert " " in difference_words(kind.value)


@pytest.mark.parametrize("reason", Reason)
def test_why_a_record_was_not_applied_is_said_in_more_than_a_word(reason: Reason) -> None:
    assert " " in dead_letter_words(reason.value)


def test_a_plural_may_be_one_of_its_own() -> None:
    assert (counted(1, "witness", "witnesses"), counted(2, "witness", "witnesses")) == ("1 witness", "2 witnesses")


@pytest.mark.parametrize(("status", "said"), [("dead", "Given up trying"), ("still_new", "Still new")])
def test_a_call_to_stripe_stands_where_the_list_says_it_does(status: str, said: str) -> None:
    assert task_status_words(status) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "just now"), (59.9, "just now"), (60, "1 minute ago"), (7200, "120 minutes ago")]
)
def test_a_moment_ago_is_not_said_as_a_number(seconds: float, said: str) -> None:
    assert ago_words(seconds) == said
