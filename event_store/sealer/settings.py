"""Settings of the sealer."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from infra.redis.redlock import RedlockSettings
from infra.settings.postgres import DatabaseSettings
from infra.settings.proofs import SealerKeySettings, WitnessesSettings


class SealerSettings(DatabaseSettings, RedlockSettings, SealerKeySettings, WitnessesSettings):
    """What the sealer needs."""

    sealer_interval_ms: Annotated[int, Field(ge=100)] = 10_000
    """From one checkpoint to the next, when there is something new."""
    sealer_batch: Annotated[int, Field(ge=1, le=100_000)] = 10_000
    """The most events of one checkpoint."""
    sealer_lock_ttl_ms: Annotated[int, Field(ge=1)] = 10_000
    """How soon another sealer takes over from one that was killed."""
    sealer_witness_timeout_ms: Annotated[int, Field(ge=100, le=30_000)] = 5000
    """How long all witnesses together, which are asked at the same time, may hold up a round."""

    @model_validator(mode="after")
    def _lock_outlives_its_servers(self) -> Self:
        least = 5 * self.redlock_server_timeout_ms
        if self.sealer_lock_ttl_ms < least:
            raise ValueError(f"SEALER_LOCK_TTL_MS must be at least {least} with this REDLOCK_SERVER_TIMEOUT_MS")
        return self

    @model_validator(mode="after")
    def _place_with_key(self) -> Self:
        if self.has_sealer_key and self.proofs_place is None:
            raise ValueError("PROOFS_FOLDER is not set (nor PROOFS_BUCKET), and SEALER_KEY or SEALER_KEY_FILE is")
        return self
