from hypothesis import given
from hypothesis import strategies as st

from consumers.gateway.backoff import BASE_S, CAP_S, delay_s


@given(attempts=st.integers(1, 10_000), share=st.floats(0, 1), floor=st.floats(0, 30))
def test_a_delay_lies_between_its_floor_and_the_cap(attempts: int, share: float, floor: float) -> None:
    delay = delay_s(attempts, floor_s=floor, uniform=lambda low, high: low + share * (high - low))
    assert floor <= delay <= max(CAP_S, floor)


def test_the_ceiling_doubles_until_the_cap() -> None:
    ceilings = [delay_s(attempts, uniform=lambda _, high: high) for attempts in range(1, 10)]
    assert ceilings[:3] == [BASE_S, 2 * BASE_S, 4 * BASE_S]
    assert ceilings[-1] == CAP_S


def test_the_jitter_is_full() -> None:
    assert delay_s(5, uniform=lambda low, _: low) == 0
