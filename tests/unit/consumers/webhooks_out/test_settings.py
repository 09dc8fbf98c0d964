"""What the worker refuses to start with."""

import pytest
from pydantic import ValidationError

from consumers.webhooks_out.settings import WebhooksOutSettings

URLS = {"database_url": "postgresql://app@localhost/paystream", "kafka_bootstrap_servers": "localhost:9092"}


@pytest.mark.parametrize("pauses", ["5,inf", "5,nan", "-1", "2592001"])
def test_a_pause_that_never_ends_is_refused(pauses: str) -> None:
    with pytest.raises(ValidationError, match="webhooks_out_retry_after_s"):
        WebhooksOutSettings.model_validate({**URLS, "webhooks_out_retry_after_s": pauses})


def test_pauses_are_read_with_commas_between() -> None:
    settings = WebhooksOutSettings.model_validate({**URLS, "webhooks_out_retry_after_s": "5, 300.5"})
    assert settings.webhooks_out_retry_after_s == (5, 300.5)
