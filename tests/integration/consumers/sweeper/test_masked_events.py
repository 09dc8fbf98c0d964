"""What people write at Stripe, in events that are read from its list."""

import pytest

from consumers.sweeper.missed_events import record
from event_store.store import Connection, load
from schemas.events import STRIPE_EVENT_CODEC
from schemas.events.stripe_events import stream_id_of
from tests.support.signed_webhooks import a_stripe_event

pytestmark = pytest.mark.integration


async def test_card_numbers_in_a_listed_event_are_masked(app: Connection) -> None:
    event = a_stripe_event("charge.updated", {"id": "ch_1", "object": "charge", "description": "4242/4242/4242/4242"})
    assert await record(app, [event], correlation_id="c-1") == 1
    (found,) = await load(app, stream_id_of(event["id"]))
    assert STRIPE_EVENT_CODEC.decode(found).payload["data"]["object"]["description"] == "***"
