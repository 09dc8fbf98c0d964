"""Codes become words; what somebody wrote is left alone."""

import pytest

from back_office.web.words import actor_words, words


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("requested_by_customer", "Requested by customer"),
        ("open", "Open"),
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
        ("olga@shop.example", "olga@shop.example"),
    ],
)
def test_an_actor_is_named_as_people_know_it(actor: str, said: str) -> None:
    assert actor_words(actor) == said
