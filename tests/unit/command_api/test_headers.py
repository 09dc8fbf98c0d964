"""Idempotency-Key and Prefer, as clients write them."""

import pytest

from command_api.headers import read_idempotency_key, read_wait_preference
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
    ("values", "wait_s"),
    [
        ([], None),
        (["wait=5"], 5),
        (["wait=100"], 30),
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
