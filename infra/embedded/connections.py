"""The settings with which each Paystream process reaches the servers of the embedded stack."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from infra.embedded.postgres import PostgresServer
from infra.settings.staff import DEVELOPMENT_OPERATOR, DEVELOPMENT_PASSWORD_HASH, DEVELOPMENT_STAFF
from infra.webhooks_out.settings import DEVELOPMENT_SECRETS_KEY

DEVELOPMENT_KEY = "sk_dev_paystream"
"""The API key of the embedded stack, printed in the README. Production refuses it."""
DEVELOPMENT_OPERATOR_KEY = "sk_dev_paystream_operator"
"""The operator's: the back office stays one for all merchants when a second one is made. Production refuses it."""
DEVELOPMENT_MERCHANT = "merchant_dev"

_SCOPES = [
    *("payments:write", "payments:read", "webhooks:write", "actor:set"),
    *("finance:read", "finance:write", "audit:read", "admin:read", "admin:write"),
]
_OPERATOR_SCOPES = ["finance:read", "finance:write", "admin:read", "admin:write", "actor:set"]
_STRIPE_SANDBOX_KEY = "sk_test_paystream_sandbox"
_STRIPE_WEBHOOK_SECRET = "whsec_paystream_sandbox"  # noqa: S105 - of the sandbox: it moves no money

_SANDBOX_GUARD = {
    "STRIPE_RATE_LIMIT_TEST_PER_S": "1000",  # more than the sandbox serves
    "STRIPE_BREAKER_LONGEST_OPEN_MS": "2000",  # it is back as soon as it is started again
}

_SANDBOX_BALANCE = {
    "BALANCE_POLL_INTERVAL_MS": "2000",
    "BALANCE_OVERLAP_S": "60",  # it shows rows at once: to read many again every other second would be for nothing
}

WEBHOOK_EVENTS = ",".join(
    (
        *(
            f"payment_intent.{each}"
            for each in ("amount_capturable_updated", "canceled", "payment_failed", "processing")
        ),
        *("payment_intent.requires_action", "payment_intent.succeeded"),
        *("charge.refunded", "charge.refund.updated", "refund.*", "charge.dispute.*", "payout.*"),
    )
)
"""What Stripe is to send, as docs/webhooks.md has it: it makes many more events than anybody needs."""

BrokerKind = Literal["embedded", "apache"]
"""Tansu, in memory and without Java; or Apache Kafka itself, whose settings are the defaults of our processes."""


PARTITIONS = 3
"""Of each topic of a new stack: a process can have as many members in a group, and each partition costs a little."""
FORMER_PARTITIONS = 12
"""Of a stack whose home does not say how many: a stream must not move to another partition."""
KAFKA: Mapping[BrokerKind, Mapping[str, str]] = {
    "embedded": {
        "KAFKA_TRANSACTIONS": "false",  # the broker has none
        "KAFKA_FETCH_MAX_WAIT_MS": "15",  # it answers an empty poll only after half of this
        "KAFKA_FETCH_IDLE_WAIT_MS": "300",
        "KAFKA_FETCH_AFTER_PUBLISH": "true",
        "KAFKA_SESSION_TIMEOUT_MS": "3000",  # it lets a consumer join a group after half of this
    },
    "apache": {},
}


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Connections:
    """Where the servers of a running stack are."""

    postgres: PostgresServer
    privacy_wrapping_key: str
    redis_url: str
    kafka_bootstrap_servers: str
    broker: BrokerKind = "embedded"
    partitions: int = PARTITIONS
    command_api: str
    query_api: str
    stripe_api_base: str
    sandbox_data: Path
    """The file in which the Stripe sandbox keeps its objects: a payment can be refunded after a restart."""
    proofs: Path
    """The folder of the log's proofs: tiles, and beside them the key that signs."""

    def settings_of(self, process: str) -> Mapping[str, str]:  # noqa: C901, PLR0911, PLR0912 - one line per process
        """Return the environment variables (see .env.example) that `process` needs, and no others.

        Only those hold Stripe's key that call it.
        """
        match process:
            case "sandbox":
                return {"STRIPE_SANDBOX_DATA": str(self.sandbox_data)} | self._webhooks()
            case "query-api":
                login = {"READ_DATABASE_URL": self.postgres.url("paystream_query_login")}
                audits = self._audit() | self._proofs()
                redis = {"REDIS_URL": self.redis_url}
                return login | audits | redis | _api_keys() | {"QUERY_ANONYMOUS_MERCHANT_ID": DEVELOPMENT_MERCHANT}
            case "command-api":
                return (
                    self._clear()
                    | {"REDIS_URL": self.redis_url, "STRIPE_WEBHOOK_SECRET": _STRIPE_WEBHOOK_SECRET}
                    | {"ERASURE_DATABASE_URL": self.postgres.url("paystream_erasure_login")}
                    | {"ACCESS_DATABASE_URL": self.postgres.url("paystream_access_login")}
                    | self._partitions()
                    | _api_keys()
                    | _webhook_secrets()
                    | self._stripe()
                )
            case "back-office":
                return self._back_office()
            case "audit":
                return (
                    self._audit()
                    | self._kafka()
                    | self._privacy()
                    | self._proofs()
                    | {"PROOFS_PUBLIC_KEYS_FILE": f"{self._sealer_key}.pub"}
                    | self._archive()
                )
            case "privacy":
                return self._database("paystream_erasure_login") | self._privacy() | self._kafka() | self._archive()
            case "relay":
                return self._database("paystream_relay_login") | self._kafka()
            case "projector":
                return self._database("paystream_projector_login") | self._kafka() | self._privacy()
            case "access":
                return {"ACCESS_DATABASE_URL": self.postgres.url("paystream_access_login")}
            case "worker-stripe-gateway":
                return self._clear() | self._kafka() | self._stripe() | {"REDIS_URL": self.redis_url}
            case "worker-reconciliation":
                at_leisure = {"KAFKA_FETCH_MAX_WAIT_MS": "200"}  # who asks for a run can wait, and this saves power
                return self._clear() | self._kafka() | self._stripe() | {"REDIS_URL": self.redis_url} | at_leisure
            case "worker-stripe-balance":
                return self._clear() | self._stripe() | {"REDIS_URL": self.redis_url} | _SANDBOX_BALANCE
            case "worker-sweeper":
                return self._clear() | self._stripe() | {"REDIS_URL": self.redis_url}
            case "worker-sealer":
                key = {"REDIS_URL": self.redis_url, "SEALER_KEY_FILE": str(self._sealer_key), "DATABASE_POOL_SIZE": "2"}
                return self._database("paystream_sealer_login") | self._proofs() | key
            case "worker-sagas":
                # Intake, dead letters, steps and counts: none of them waits for anything but the database.
                return self._clear() | self._kafka() | {"DATABASE_POOL_SIZE": "4"}
            case "worker-webhooks-out":
                return self._clear() | self._kafka() | _webhook_secrets() | {"DATABASE_POOL_SIZE": "8"}
            case _:
                return self._database() | self._kafka()

    def _database(self, login: str = "paystream_app_login") -> dict[str, str]:
        return {"DATABASE_URL": self.postgres.url(login)}

    def _privacy(self) -> dict[str, str]:
        return {"PRIVACY_WRAPPING_KEYS": f"local:{self.privacy_wrapping_key}"}

    def _clear(self) -> dict[str, str]:
        """Of those that write personal data, or need it in clear."""
        return self._database() | self._privacy()

    def _audit(self) -> dict[str, str]:
        return {"AUDIT_DATABASE_URL": self.postgres.url("paystream_audit_login")}

    def _proofs(self) -> dict[str, str]:
        return {"PROOFS_FOLDER": str(self.proofs / "log")}

    def _archive(self) -> dict[str, str]:
        return {"ARCHIVE_FOLDER": str(self.proofs / "archive")}

    @property
    def _sealer_key(self) -> Path:
        return self.proofs / "sealer.key"

    def _kafka(self) -> dict[str, str]:
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka_bootstrap_servers,
            **self._partitions(),
            "KAFKA_REPLICATION_FACTOR": "1",
            **KAFKA[self.broker],
        }

    def _partitions(self) -> dict[str, str]:
        return {"KAFKA_TOPIC_PARTITIONS": str(self.partitions)}

    def _back_office(self) -> dict[str, str]:
        accounts = [
            {"name": name, "role": role, "password_hash": DEVELOPMENT_PASSWORD_HASH}
            for name, role in ((DEVELOPMENT_STAFF, "finance"), (DEVELOPMENT_OPERATOR, "operator"))
        ]
        return {
            "BACK_OFFICE_STAFF": json.dumps(accounts),
            "BACK_OFFICE_API_KEY": DEVELOPMENT_KEY,
            "BACK_OFFICE_OPERATOR_API_KEY": DEVELOPMENT_OPERATOR_KEY,
            "BACK_OFFICE_COMMAND_API_URL": self.command_api,
            "BACK_OFFICE_QUERY_API_URL": self.query_api,
        }

    def _webhooks(self) -> dict[str, str]:
        return {
            "STRIPE_SANDBOX_WEBHOOK_URL": f"{self.command_api}/webhooks/stripe",
            "STRIPE_SANDBOX_WEBHOOK_SECRET": _STRIPE_WEBHOOK_SECRET,
            "STRIPE_SANDBOX_WEBHOOK_EVENTS": WEBHOOK_EVENTS,
        }

    def _stripe(self) -> dict[str, str]:
        key = {"STRIPE_API_BASE": self.stripe_api_base, "STRIPE_SECRET_KEY": _STRIPE_SANDBOX_KEY}
        return key | _SANDBOX_GUARD


def background_settings(process: str) -> dict[str, str]:
    """Return what has a process stand back behind the two APIs, with which it shares the machine's processors."""
    return {} if process in {"command-api", "query-api", "back-office"} else {"PROCESS_NICENESS": "5"}


def shared_settings(settings_of: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return the variables of a process that serves several: where their values differ, each has its prefix's own.

    `settings_of` has the variables of each by its prefix, as `declared.settings_prefix` makes it.
    """
    shared: dict[str, str] = {}
    for name in {name for variables in settings_of.values() for name in variables}:
        own = {prefix: variables[name] for prefix, variables in settings_of.items() if name in variables}
        if len(set(own.values())) == 1:
            shared[name] = next(iter(own.values()))
        else:
            shared |= {f"{prefix}{name}": value for prefix, value in own.items()}
    return shared


def _webhook_secrets() -> dict[str, str]:
    return {"WEBHOOK_SECRETS_KEY": DEVELOPMENT_SECRETS_KEY}


def _api_keys() -> dict[str, str]:
    key = {
        "id": "development",
        "sha256": hashlib.sha256(DEVELOPMENT_KEY.encode()).hexdigest(),
        "merchant_id": DEVELOPMENT_MERCHANT,
        "scopes": _SCOPES,
    }
    operators = {
        "id": "development-operator",
        "sha256": hashlib.sha256(DEVELOPMENT_OPERATOR_KEY.encode()).hexdigest(),
        "merchant_id": None,
        "scopes": _OPERATOR_SCOPES,
    }
    return {"API_KEYS": json.dumps([key, operators])}
