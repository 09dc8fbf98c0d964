"""Settings of the query API's process."""

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from infra.settings.cell import CellSettings
from infra.settings.http import ApiKeySettings, CorsSettings, RateLimitSettings
from infra.settings.postgres import PostgresUrl, ReadDatabaseSettings
from infra.settings.process import Port
from infra.settings.proofs import ProofsSettings, WitnessesSettings
from infra.settings.redis import OptionalRedisSettings
from query_api.database import MAX_WAITING


class QueryApiSettings(
    ReadDatabaseSettings,
    ApiKeySettings,
    CorsSettings,
    RateLimitSettings,
    OptionalRedisSettings,
    WitnessesSettings,
    ProofsSettings,
    CellSettings,
):
    """What the query API reads from its environment. `read_database_url` is of the role paystream_query."""

    audit_database_url: PostgresUrl | None = None
    """The log, through the role paystream_audit, for what payments were and for auditors. None: that is not shown."""
    query_api_host: str = "127.0.0.1"
    query_api_port: Port = 8001
    query_min_position_wait_ms: Annotated[int, Field(ge=0)] = 2000
    """How long a read waits for the position that it asks for."""
    query_timeout_ms: Annotated[int, Field(ge=1)] = 5000
    """How long one statement may run in the database."""
    query_max_waiting: Annotated[int, Field(ge=1)] = MAX_WAITING
    """How many reads may wait for a connection of the database; beyond, the answer is 503 at once."""
    query_anonymous_merchant_id: str | None = None
    """Development: whose payments a request without an API key may read."""

    @field_validator("query_anonymous_merchant_id")
    @classmethod
    def _not_in_production(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("app_env") == "production":
            raise ValueError("must not be set when APP_ENV=production")
        return value
