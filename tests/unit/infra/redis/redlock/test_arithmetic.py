from hypothesis import assume, example, given
from hypothesis import strategies as st

from infra.redis.redlock.arithmetic import drift_s, least_uptime_s, majority, valid_until

TTL_S = st.floats(min_value=0.01, max_value=3600)
MOMENT = st.floats(min_value=0, max_value=1e6)
RATE = st.floats(min_value=0.99, max_value=1.01)


@given(st.integers(min_value=1, max_value=1000))
def test_two_majorities_share_a_server_and_no_smaller_number_would_do(servers: int) -> None:
    assert 2 * majority(servers) > servers
    assert 2 * (majority(servers) - 1) <= servers
    assert majority(servers) <= servers


@given(started=MOMENT, ttl_s=TTL_S, on_the_way_s=st.floats(0, 100), server=RATE, holder=RATE)
@example(started=0, ttl_s=10, on_the_way_s=0, server=1.0, holder=0.99)
@example(started=0, ttl_s=10, on_the_way_s=0, server=1.01, holder=1.0)
def test_a_lease_is_over_before_any_server_forgets_it(
    started: float, ttl_s: float, on_the_way_s: float, server: float, holder: float
) -> None:
    """Clocks may differ by 1 %, and Redis counts in milliseconds."""
    assume(holder / server >= 0.99)
    lives_s = on_the_way_s + (ttl_s - 0.001) / server
    shown_to_the_holder = started + lives_s * holder
    assert valid_until(started, ttl_s) <= shown_to_the_holder + 1e-6


@given(started=MOMENT, ttl_s=TTL_S, took_s=st.floats(min_value=0, max_value=7200))
def test_what_the_asking_took_is_not_believed(started: float, ttl_s: float, took_s: float) -> None:
    left = valid_until(started, ttl_s) - (started + took_s)
    assert left <= ttl_s - took_s + 1e-6
    assert (left > 0) == (started + took_s < valid_until(started, ttl_s))
    if took_s >= ttl_s:
        assert left < 0


@given(TTL_S, TTL_S)
def test_the_margin_grows_with_the_ttl_and_is_never_nothing(one: float, other: float) -> None:
    assert 0.002 < drift_s(min(one, other)) <= drift_s(max(one, other))


@given(ttl_s=TTL_S, started=MOMENT, up_s=st.floats(min_value=0, max_value=1e5))
def test_a_server_votes_only_when_all_that_it_may_have_lost_is_over(ttl_s: float, started: float, up_s: float) -> None:
    shown = int(started + up_s) - int(started)  # as Redis tells it
    if shown >= least_uptime_s(ttl_s):
        assert up_s >= ttl_s
