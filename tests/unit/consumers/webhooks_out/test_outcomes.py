"""What follows from an attempt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.webhooks_out.outcomes import DeliveryStatus, outcome_of
from consumers.webhooks_out.settings import WebhooksOutSettings
from infra.webhooks_out.transport import Answer

PAUSES = WebhooksOutSettings.model_fields["webhooks_out_retry_after_s"].default
THREE_DAYS_S = 3 * 24 * 3600


def answered(status: int | None, **more: float) -> Answer:
    return Answer(duration_ms=1, status=status, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_delivered(status: int) -> None:
    assert outcome_of(answered(status), attempts=1, pauses_s=PAUSES).status is DeliveryStatus.DELIVERED


@pytest.mark.parametrize("status", [None, 100, 301, 302, 400, 404, 429, 500, 503])
def test_anything_else_is_tried_again(status: int | None) -> None:
    assert outcome_of(answered(status), attempts=1, pauses_s=PAUSES).status is DeliveryStatus.DUE


def test_410_is_given_up_at_once() -> None:
    outcome = outcome_of(answered(410), attempts=1, pauses_s=PAUSES)
    assert (outcome.status, outcome.is_gone) == (DeliveryStatus.FAILED, True)


@given(st.randoms(use_true_random=False))
def test_all_attempts_are_within_three_days(random: object) -> None:
    uniform = random.uniform  # type: ignore[attr-defined]
    delays = [
        outcome_of(answered(500), attempts=number, pauses_s=PAUSES, uniform=uniform).delay_s
        for number in range(1, len(PAUSES) + 1)
    ]
    assert 0.9 * sum(PAUSES) <= sum(delays) <= sum(PAUSES) < THREE_DAYS_S
    assert sum(PAUSES) > 0.95 * THREE_DAYS_S
    for delay, pause in zip(delays, PAUSES, strict=True):
        assert 0.9 * pause <= delay <= pause


def test_after_the_last_pause_it_has_failed() -> None:
    last = len(PAUSES)
    assert outcome_of(answered(500), attempts=last, pauses_s=PAUSES).status is DeliveryStatus.DUE
    assert outcome_of(answered(500), attempts=last + 1, pauses_s=PAUSES).status is DeliveryStatus.FAILED


@given(st.floats(0, 1e9))
def test_an_endpoint_may_ask_for_a_longer_pause_up_to_an_hour(retry_after_s: float) -> None:
    outcome = outcome_of(answered(503, retry_after_s=retry_after_s), attempts=1, pauses_s=(5,))
    assert min(retry_after_s, 3600) <= outcome.delay_s <= 3600
