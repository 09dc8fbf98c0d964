import pytest
from pydantic import ValidationError

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
