import pytest

from infra.stripe_sandbox.balance.fees import card_fee, dispute_fee


@pytest.mark.parametrize(
    ("amount", "currency", "fee"),
    [
        (1000, "usd", 59),
        (50, "usd", 31),
        (1017, "usd", 59),
        (1018, "usd", 60),
        (99_999_999, "usd", 2_900_030),
        (1000, "jpy", 59),
        (1000, "kwd", 330),
        (10_000, "kwd", 590),
        (10_000, "isk", 400),
        (10_000, "ugx", 400),
    ],
)
def test_a_card_payment_costs_a_share_and_a_fixed_part_in_existing_money(amount: int, currency: str, fee: int) -> None:
    assert card_fee(amount, currency) == fee


@pytest.mark.parametrize(("currency", "fee"), [("usd", 1500), ("jpy", 1500), ("kwd", 15_000), ("isk", 1500)])
def test_a_dispute_costs_fifteen(currency: str, fee: int) -> None:
    assert dispute_fee(currency) == fee
