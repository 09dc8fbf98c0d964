"""The settings with which each Paystream process reaches the servers of the embedded stack."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.postgres import PostgresServer

DEVELOPMENT_KEY = "sk_dev_paystream"
"""The API key of the embedded stack, printed in the README. Production refuses it."""
DEVELOPMENT_MERCHANT = "merchant_dev"

_SCOPES = ["payments:write", "payments:read"]
_STRIPE_SANDBOX_KEY = "sk_test_paystream_sandbox"

KAFKA = {
    "KAFKA_TRANSACTIONS": "false",  # the broker has none
    "KAFKA_FETCH_MAX_WAIT_MS": "15",  # it answers an empty poll only after half of this
    "KAFKA_SESSION_TIMEOUT_MS": "3000",  # it lets a consumer join a group after half of this
    "KAFKA_TOPIC_PARTITIONS": "12",
    "KAFKA_REPLICATION_FACTOR": "1",
}


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Connections:
    """Where the servers of a running stack are."""

    postgres: PostgresServer
    redis_url: str
    kafka_bootstrap_servers: str
    stripe_api_base: str
    sandbox_data: Path
    """The file in which the Stripe sandbox keeps its objects: a payment can be refunded after a restart."""

    def settings_of(self, process: str) -> Mapping[str, str]:
        """Return the environment variables (see .env.example) that `process` needs, and no more than that.

        Only one process calls Stripe, so only that one holds its key.
        """
        match process:
            case "sandbox":
                return {"STRIPE_SANDBOX_DATA": str(self.sandbox_data)}
            case "query-api":
                login = {"READ_DATABASE_URL": self.postgres.url("paystream_query_login")}
                return login | _api_keys() | {"QUERY_ANONYMOUS_MERCHANT_ID": DEVELOPMENT_MERCHANT}
            case "command-api":
                return self._database() | {"REDIS_URL": self.redis_url} | _api_keys()
            case "projector":
                return self._database("paystream_projector_login") | self._kafka()
            case "worker-stripe-gateway":
                return self._database() | self._kafka() | self._stripe()
            case _:
                return self._database() | self._kafka()

    def _database(self, login: str = "paystream_app_login") -> dict[str, str]:
        return {"DATABASE_URL": self.postgres.url(login)}

    def _kafka(self) -> dict[str, str]:
        return {"KAFKA_BOOTSTRAP_SERVERS": self.kafka_bootstrap_servers, **KAFKA}

    def _stripe(self) -> dict[str, str]:
        return {"STRIPE_API_BASE": self.stripe_api_base, "STRIPE_SECRET_KEY": _STRIPE_SANDBOX_KEY}


def _api_keys() -> dict[str, str]:
    key = {
        "id": "development",
        "sha256": hashlib.sha256(DEVELOPMENT_KEY.encode()).hexdigest(),
        "merchant_id": DEVELOPMENT_MERCHANT,
        "scopes": _SCOPES,
    }
    return {"API_KEYS": json.dumps([key])}
