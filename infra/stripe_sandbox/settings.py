"""The sandbox's settings."""

from pathlib import Path

from pydantic import Field, field_validator

from infra.settings import Port, ProcessSettings
from infra.stripe_sandbox.latency import Delays


class SandboxSettings(ProcessSettings):
    """Names as in the environment, in lower case."""

    stripe_sandbox_host: str = "127.0.0.1"
    stripe_sandbox_port: Port = 8002
    stripe_sandbox_data: Path | None = None
    """The file that holds everything; without one it lives in memory and ends with the process."""
    stripe_sandbox_latency_ms: int = Field(default=0, ge=0)
    stripe_sandbox_latency_after_ms: int = Field(default=0, ge=0)
    stripe_sandbox_latency_jitter_ms: int = Field(default=0, ge=0)
    stripe_sandbox_settle_ms: int = Field(default=2000, ge=0)
    """When refunds of the pending and failing test cards move."""

    @property
    def delays(self) -> Delays:
        """The delays that requests begin with."""
        return Delays(
            before_ms=self.stripe_sandbox_latency_ms,
            after_ms=self.stripe_sandbox_latency_after_ms,
            jitter_ms=self.stripe_sandbox_latency_jitter_ms,
        )

    @field_validator("app_env")
    @classmethod
    def _never_in_production(cls, value: str) -> str:
        if value == "production":
            raise ValueError("the Stripe sandbox moves no money and is refused in production")
        return value
