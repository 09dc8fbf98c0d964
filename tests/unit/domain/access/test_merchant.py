import pytest

from domain.access.errors import InvalidMerchant, MerchantExists
from domain.access.merchant import (
    MAX_NAME_CHARS,
    CreateMerchant,
    MerchantState,
    decide_merchant,
    evolve_merchant,
    merchant_stream,
)
from domain.ids import MerchantId


def create(merchant_id: str = "shop", name: str = "A shop") -> CreateMerchant:
    return CreateMerchant(merchant_id=MerchantId(merchant_id), name=name, actor="ops", reason="a test")


def test_a_merchant_is_created_once() -> None:
    (event,) = decide_merchant(None, create())
    state = evolve_merchant(None, event)
    assert state == MerchantState(merchant_id=MerchantId("shop"), name="A shop")
    with pytest.raises(MerchantExists):
        decide_merchant(state, create())


def test_a_merchant_has_one_stream_for_ever() -> None:
    assert merchant_stream(MerchantId("shop")) == merchant_stream(MerchantId("shop"))
    assert merchant_stream(MerchantId("shop")) != merchant_stream(MerchantId("Shop"))


@pytest.mark.parametrize("merchant_id", ["", "-", "a b", ".a", "_a", "x" * 101, "é", "a\n", "a/b"])
def test_an_id_that_could_mean_something_else_is_refused(merchant_id: str) -> None:
    with pytest.raises(InvalidMerchant):
        decide_merchant(None, create(merchant_id))


@pytest.mark.parametrize("name", ["", "  ", "a\x1b[2J", "x" * (MAX_NAME_CHARS + 1)])
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(InvalidMerchant):
        decide_merchant(None, create(name=name))
