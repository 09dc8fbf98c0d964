import pytest
from pydantic import ValidationError

from infra.stripe_sandbox.behaviour import Behaviour
from infra.stripe_sandbox.latency import Delays
from infra.stripe_sandbox.settings import SandboxSettings


def test_the_sandbox_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_ENV", "production")

    with pytest.raises(ValidationError, match="refused in production"):
        SandboxSettings()


def test_delays_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_SANDBOX_LATENCY_MS", "20")
    monkeypatch.setenv("STRIPE_SANDBOX_LATENCY_JITTER_MS", "5")

    assert SandboxSettings().delays == Delays(before_ms=20, after_ms=0, jitter_ms=5)


def test_what_it_does_by_itself_or_late_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SandboxSettings().behaviour == Behaviour(automatic_payouts=False, search_lag_s=0)
    monkeypatch.setenv("STRIPE_SANDBOX_AUTOMATIC_PAYOUTS", "true")
    monkeypatch.setenv("STRIPE_SANDBOX_SEARCH_LAG_S", "1.5")
    monkeypatch.setenv("STRIPE_SANDBOX_BOOKING_LAG_S", "2.5")
    monkeypatch.setenv("STRIPE_SANDBOX_CARDS_WANT_RETURN_URL", "true")

    assert SandboxSettings().behaviour == Behaviour(
        automatic_payouts=True, search_lag_s=1.5, booking_lag_s=2.5, cards_want_return_url=True
    )


def test_webhooks_go_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_SANDBOX_WEBHOOK_URL", "http://127.0.0.1:8000/webhooks/stripe")
    monkeypatch.setenv("STRIPE_SANDBOX_WEBHOOK_SECRET", "whsec_one, whsec_two")
    monkeypatch.setenv("STRIPE_SANDBOX_WEBHOOK_EVENTS", "charge.*,refund.failed")

    (endpoint,) = SandboxSettings().endpoints

    assert endpoint.url == "http://127.0.0.1:8000/webhooks/stripe"
    assert endpoint.secrets == ["whsec_one", "whsec_two"]
    assert endpoint.enabled_events == ["charge.*", "refund.failed"]
    assert "whsec_one" not in repr(SandboxSettings())


@pytest.mark.parametrize("secret", [None, " , "])
def test_unsigned_webhooks_are_refused(monkeypatch: pytest.MonkeyPatch, secret: str | None) -> None:
    monkeypatch.setenv("STRIPE_SANDBOX_WEBHOOK_URL", "http://127.0.0.1:8000/webhooks/stripe")
    if secret is not None:
        monkeypatch.setenv("STRIPE_SANDBOX_WEBHOOK_SECRET", secret)

    with pytest.raises(ValidationError, match="needs STRIPE_SANDBOX_WEBHOOK_SECRET"):
        SandboxSettings()


def test_without_an_address_there_are_no_webhooks() -> None:
    assert SandboxSettings().endpoints == ()
