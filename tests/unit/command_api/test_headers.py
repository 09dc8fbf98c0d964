"""Idempotency-Key, Prefer and Paystream-Actor, as clients write them."""

import pytest

from command_api.errors import CardNumberRefused
from command_api.headers import read_actor, read_idempotency_key, read_wait_preference
from infra.access.principal import Principal
from infra.http.problems import Problem


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ([], None),
        (["order-1001"], "order-1001"),
        ([" order-1001 "], "order-1001"),
        (['"order-1001"'], "order-1001"),
        ([r'"with \"quotes\" and \\"'], r'with "quotes" and \ '.strip()),
        (["with spaces within"], "with spaces within"),
        (["x" * 255], "x" * 255),
        (['"' + "x" * 255 + '"'], "x" * 255),
    ],
)
def test_a_key_is_read_quoted_or_bare(values: list[str], key: str | None) -> None:
    assert read_idempotency_key(values) == key


@pytest.mark.parametrize(
    "values",
    [[""], ['""'], ["x" * 256], ["caf\xe9"], ["a\x00b"], ['"open'], ['"a"b"'], ['"a";b=1'], ["a", "a"], ["a\tb"]],
)
def test_an_unusable_key_is_refused(values: list[str]) -> None:
    with pytest.raises(Problem) as caught:
        read_idempotency_key(values)
    assert (caught.value.status, caught.value.code) == (400, "idempotency_key_invalid")


@pytest.mark.parametrize(
    "value",
    [
        "4242424242424242",
        '"4242424242424242"',
        "order-4242-4242-4242-4242",
        "4242 4242 4242 4242",
        "card:378282246310005",
    ],
)
def test_a_key_that_holds_a_card_number_is_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(CardNumberRefused) as caught:
        read_idempotency_key([value])
    assert not any(character.isdigit() for character in str(caught.value))


@pytest.mark.parametrize(
    "key",
    [
        "0199e5a4-7b1c-7c3e-9f00-3d2b1a908f7e",
        "order_42424242-4242-4242-8242-424242424242",
        "0199e5a47b1c7c3e9f003d2b1a908f7e",
        "1763840000001",  # a time in milliseconds
        "1442424242424242423",  # a snowflake
        "4242424242424241",  # no check digit
        "42424242424242424242",  # too long for a card
        "order-1001-2026-11-22",
    ],
)
def test_uuids_and_long_numeric_ids_are_good_keys(key: str) -> None:
    assert read_idempotency_key([key]) == key


@pytest.mark.parametrize(
    ("values", "wait_s"),
    [
        ([], None),
        (["wait=5"], 5),
        (["wait=100"], 30),
        (["wait=1000000000"], 30),
        (['wait="9999999999999999999999"'], 30),
        (["wait=" + "9" * 5000], 30),
        (["wait=00000000000000005"], 5),
        (["wait=0000000000000000"], None),
        (["WAIT = 5"], 5),
        (['wait="5"'], 5),
        (["respond-async, wait=5"], 5),
        (["respond-async", "wait=5; x=y"], 5),
        (["wait=5, wait=7"], 5),
        (["wait=0"], None),
        (["wait=-1"], None),
        (["wait=1.5"], None),
        (["wait=\u0665"], None),
        (["wait"], None),
        (["wait=x, wait=7"], None),
        (["handling=lenient"], None),
        (["waiting=5"], None),
    ],
)
def test_the_wait_preference_is_capped_and_nonsense_is_ignored(values: list[str], wait_s: int | None) -> None:
    assert read_wait_preference(values, 30) == wait_s


def test_a_cap_of_zero_ignores_the_preference() -> None:
    assert read_wait_preference(["wait=5"], 0) is None


def a_principal(*scopes: str) -> Principal:
    return Principal(merchant_id="m", key_id="back-office", scopes=frozenset(scopes))


def test_a_key_with_the_scope_names_who_acts() -> None:
    assert read_actor(["anna"], a_principal("actor:set")) == "api:back-office/anna"
    assert read_actor(["anna.b+c@shop.example"], a_principal("actor:set")) == "api:back-office/anna.b+c@shop.example"
    assert read_actor([], a_principal("actor:set")) == "api:back-office"
    assert read_actor([], a_principal("payments:write")) == "api:back-office"


def test_a_key_without_the_scope_writes_nobodys_name_into_the_log() -> None:
    with pytest.raises(Problem) as refused:
        read_actor(["anna"], a_principal("payments:write", "payments:read", "finance:write"))
    assert (refused.value.status, refused.value.code) == (403, "forbidden")
    assert "actor:set" in str(refused.value.detail)


@pytest.mark.parametrize("values", [[""], ["a/b"], ["9a"], ["a b"], ["a" * 65], ["ä"], ["anna\n"], ["anna", "bob"]])
def test_what_is_no_name_is_refused(values: list[str]) -> None:
    with pytest.raises(Problem) as refused:
        read_actor(values, a_principal("actor:set"))
    assert (refused.value.status, refused.value.code) == (400, "invalid_request")


def test_a_card_number_is_no_name() -> None:
    with pytest.raises(CardNumberRefused):
        read_actor(["a.4242424242424242"], a_principal("actor:set"))
