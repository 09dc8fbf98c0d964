"""What the relay refuses to be told."""

import pytest
from pydantic import ValidationError

from event_store.relay.process import RelaySettings


def test_a_relay_heard_of_each_second_is_not_replaced_for_a_silent_second() -> None:
    settings = {"database_url": "postgresql://localhost/paystream", "kafka_bootstrap_servers": "localhost:9092"}
    assert RelaySettings.model_validate({**settings, "relay_takeover_after_ms": 3000}).relay_takeover_after_ms == 3000
    with pytest.raises(ValidationError, match="relay_takeover_after_ms"):
        RelaySettings.model_validate({**settings, "relay_takeover_after_ms": 2999})
