"""How places are shared among endpoints."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from consumers.webhooks_out.claims import Lane, share
from domain.ids import WebhookEndpointId


def endpoint(number: int) -> WebhookEndpointId:
    return WebhookEndpointId(UUID(int=number))


LANES = st.lists(st.tuples(st.integers(1, 40), st.booleans()), unique_by=lambda each: each[0], max_size=40)


@given(lanes=LANES, in_flight=st.dictionaries(st.integers(1, 40), st.integers(1, 8)), capacity=st.integers(1, 64))
def test_no_endpoint_has_more_than_its_share(
    lanes: list[tuple[int, bool]], in_flight: dict[int, int], capacity: int
) -> None:
    running = {endpoint(number): count for number, count in in_flight.items()}
    chosen = [Lane(endpoint_id=endpoint(number), is_failing=failing) for number, failing in lanes]
    quotas = share(chosen, running, capacity=capacity, places=64, per_endpoint=8)
    failing = {lane.endpoint_id for lane in chosen if lane.is_failing}
    for endpoint_id, quota in quotas.items():
        most = 1 if endpoint_id in failing else 8
        assert 0 < quota <= min(capacity, most - running.get(endpoint_id, 0))
    in_use = {each for each in failing if running.get(each)}
    assert len(failing & quotas.keys()) <= max(0, 32 - len(in_use))


def test_endpoints_that_fail_have_half_of_the_places_at_most() -> None:
    lanes = [Lane(endpoint_id=endpoint(number), is_failing=True) for number in range(1, 21)]
    assert len(share(lanes, {}, capacity=10, places=10, per_endpoint=8)) == 5
    healthy = Lane(endpoint_id=endpoint(99), is_failing=False)
    assert share([*lanes, healthy], {}, capacity=10, places=10, per_endpoint=8)[endpoint(99)] == 8
