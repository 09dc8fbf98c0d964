import base64
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from back_office.settings import BackOfficeSettings
from command_api.settings import CommandApiSettings
from consumers.balance.settings import BalanceSettings
from consumers.gateway.settings import GatewaySettings
from consumers.reconciliation.settings import ReconciliationSettings
from consumers.saga.settings import SagaSettings
from consumers.stripe.translate import events as event_types
from consumers.sweeper.settings import SweeperSettings
from consumers.webhooks.settings import WebhooksSettings
from consumers.webhooks_out.settings import WebhooksOutSettings
from event_store.relay.process import RelaySettings
from event_store.sealer.settings import SealerSettings
from infra.embedded.connections import DEVELOPMENT_KEY, KAFKA, Connections, shared_settings
from infra.embedded.environment import base_environment, python_environment
from infra.embedded.home import Home
from infra.embedded.passwords import Passwords
from infra.embedded.postgres import PostgresServer
from infra.settings.http import DEVELOPMENT_KEY_SHA256, DEVELOPMENT_KEYS_SHA256
from infra.settings.kafka import KafkaSettings
from infra.settings.process import ProcessSettings
from infra.stripe_sandbox.settings import SandboxSettings
from infra.stripe_sandbox.webhooks.endpoints import Endpoint
from projections.process import ProjectorSettings
from query_api.settings import QueryApiSettings

_KEY = base64.b64encode(bytes(32)).decode()
_PASSWORDS = Passwords(
    owner="o/1",
    app="a",
    relay="r",
    projector="p",
    query="q",
    audit="au",
    sealer="s",
    erasure="e",
    access="ac",
    valkey="v",
    privacy_wrapping_key=_KEY,
)


@pytest.fixture
def connections(tmp_path: Path) -> Connections:
    return Connections(
        postgres=PostgresServer(Home(tmp_path), port=5432, passwords=_PASSWORDS),
        privacy_wrapping_key=_KEY,
        redis_url="redis://:v@127.0.0.1:6379/0",
        kafka_bootstrap_servers="127.0.0.1:9092",
        command_api="http://127.0.0.1:8000",
        query_api="http://127.0.0.1:8001",
        stripe_api_base="http://127.0.0.1:8002",
        sandbox_data=tmp_path / "sandbox",
        proofs=tmp_path / "proofs",
    )


KAFKA_NAMES = (
    *("KAFKA_BOOTSTRAP_SERVERS", "KAFKA_TOPIC_PARTITIONS", "KAFKA_REPLICATION_FACTOR"),
    *KAFKA["embedded"],
)
STRIPE = (*("STRIPE_API_BASE", "STRIPE_SECRET_KEY", "STRIPE_RATE_LIMIT_TEST_PER_S", "STRIPE_BREAKER_LONGEST_OPEN_MS"),)


@pytest.mark.parametrize(
    ("process", "variables"),
    [
        (
            "sandbox",
            {
                *("STRIPE_SANDBOX_DATA", "STRIPE_SANDBOX_WEBHOOK_URL", "STRIPE_SANDBOX_WEBHOOK_SECRET"),
                "STRIPE_SANDBOX_WEBHOOK_EVENTS",
            },
        ),
        (
            "query-api",
            {
                *("READ_DATABASE_URL", "AUDIT_DATABASE_URL", "PROOFS_FOLDER", "REDIS_URL", "API_KEYS"),
                "QUERY_ANONYMOUS_MERCHANT_ID",
            },
        ),
        (
            "command-api",
            {
                *("DATABASE_URL", "PRIVACY_WRAPPING_KEYS", "REDIS_URL", "API_KEYS", "STRIPE_WEBHOOK_SECRET"),
                *("WEBHOOK_SECRETS_KEY", "ERASURE_DATABASE_URL", "ACCESS_DATABASE_URL", "KAFKA_TOPIC_PARTITIONS"),
                *STRIPE,
            },
        ),
        (
            "back-office",
            {
                *("BACK_OFFICE_STAFF", "BACK_OFFICE_API_KEY", "BACK_OFFICE_OPERATOR_API_KEY"),
                *("BACK_OFFICE_COMMAND_API_URL", "BACK_OFFICE_QUERY_API_URL"),
            },
        ),
        ("relay", {"DATABASE_URL", *KAFKA_NAMES}),
        ("projector", {"DATABASE_URL", "PRIVACY_WRAPPING_KEYS", *KAFKA_NAMES}),
        (
            "worker-stripe-gateway",
            {
                *("DATABASE_URL", "PRIVACY_WRAPPING_KEYS", "REDIS_URL", *KAFKA_NAMES, *STRIPE),
            },
        ),
        (
            "worker-stripe-balance",
            {
                *("DATABASE_URL", "REDIS_URL", "STRIPE_API_BASE", "STRIPE_SECRET_KEY", "BALANCE_POLL_INTERVAL_MS"),
                *(
                    "PRIVACY_WRAPPING_KEYS",
                    "BALANCE_OVERLAP_S",
                    "STRIPE_RATE_LIMIT_TEST_PER_S",
                    "STRIPE_BREAKER_LONGEST_OPEN_MS",
                ),
            },
        ),
        ("worker-sweeper", {"DATABASE_URL", "PRIVACY_WRAPPING_KEYS", "REDIS_URL", *STRIPE}),
        ("worker-stripe-webhooks", {"DATABASE_URL", *KAFKA_NAMES}),
        ("worker-sagas", {"DATABASE_URL", "PRIVACY_WRAPPING_KEYS", "DATABASE_POOL_SIZE", *KAFKA_NAMES}),
        ("worker-sealer", {"DATABASE_URL", "DATABASE_POOL_SIZE", "REDIS_URL", "PROOFS_FOLDER", "SEALER_KEY_FILE"}),
        (
            "worker-webhooks-out",
            {"DATABASE_URL", "PRIVACY_WRAPPING_KEYS", "DATABASE_POOL_SIZE", "WEBHOOK_SECRETS_KEY", *KAFKA_NAMES},
        ),
        ("worker-of-tomorrow", {"DATABASE_URL", *KAFKA_NAMES}),
    ],
)
def test_a_process_gets_what_it_needs_and_nothing_else(
    connections: Connections, process: str, variables: set[str]
) -> None:
    assert set(connections.settings_of(process)) == variables


@pytest.mark.parametrize(
    ("process", "settings"),
    [
        ("sandbox", SandboxSettings),
        ("query-api", QueryApiSettings),
        ("command-api", CommandApiSettings),
        ("back-office", BackOfficeSettings),
        ("relay", RelaySettings),
        ("projector", ProjectorSettings),
        ("worker-stripe-balance", BalanceSettings),
        ("worker-stripe-gateway", GatewaySettings),
        ("worker-stripe-webhooks", WebhooksSettings),
        ("worker-reconciliation", ReconciliationSettings),
        ("worker-sweeper", SweeperSettings),
        ("worker-sagas", SagaSettings),
        ("worker-sealer", SealerSettings),
        ("worker-webhooks-out", WebhooksOutSettings),
    ],
)
def test_a_process_reads_all_that_it_gets_and_needs_no_more(
    connections: Connections, process: str, settings: type[ProcessSettings]
) -> None:
    given = set(connections.settings_of(process))
    assert given <= {name.upper() for name in settings.model_fields}
    assert given >= {name.upper() for name, field in settings.model_fields.items() if field.is_required()}


def test_each_side_logs_in_with_the_role_of_its_own(connections: Connections) -> None:
    def role(process: str, variable: str = "DATABASE_URL") -> str:
        return connections.settings_of(process)[variable].split("//")[1].split(":")[0]

    assert role("command-api") == "paystream_app_login"
    assert role("command-api", "ERASURE_DATABASE_URL") == "paystream_erasure_login"
    assert role("command-api", "ACCESS_DATABASE_URL") == "paystream_access_login"
    assert role("relay") == "paystream_relay_login"
    assert role("worker-stripe-gateway") == "paystream_app_login"
    assert role("projector") == "paystream_projector_login"
    assert role("query-api", "READ_DATABASE_URL") == "paystream_query_login"


@pytest.mark.parametrize("process", ["relay", "projector", "worker-stripe-gateway", "worker-of-tomorrow"])
def test_the_embedded_broker_is_used_without_transactions(connections: Connections, process: str) -> None:
    settings = connections.settings_of(process)
    assert settings["KAFKA_TRANSACTIONS"] == "false"
    assert int(settings["KAFKA_FETCH_MAX_WAIT_MS"]) <= 20


@pytest.mark.parametrize("process", ["relay", "projector", "worker-stripe-gateway", "worker-of-tomorrow"])
def test_real_kafka_is_used_with_the_settings_of_production(connections: Connections, process: str) -> None:
    given = replace(connections, broker="apache").settings_of(process)
    settings = KafkaSettings.model_validate({name.lower(): value for name, value in given.items()})
    as_in_production = {"kafka_transactions", "kafka_check_crcs", "kafka_fetch_max_wait_ms", "kafka_session_timeout_ms"}
    assert settings.kafka_transactions
    assert not as_in_production & settings.model_fields_set


def test_the_development_key_is_the_one_that_production_refuses(connections: Connections) -> None:
    keys = json.loads(connections.settings_of("command-api")["API_KEYS"])
    assert {each["sha256"] for each in keys} == DEVELOPMENT_KEYS_SHA256
    operators = hashlib.sha256(connections.settings_of("back-office")["BACK_OFFICE_OPERATOR_API_KEY"].encode())
    assert keys[1]["sha256"] == operators.hexdigest()
    assert keys[0]["sha256"] == DEVELOPMENT_KEY_SHA256 == hashlib.sha256(DEVELOPMENT_KEY.encode()).hexdigest()


def test_a_password_is_quoted_in_its_url(connections: Connections) -> None:
    assert connections.postgres.url() == "postgresql://paystream_owner:o%2F1@127.0.0.1:5432/paystream"


def test_children_get_nothing_of_the_users_environment_but_what_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://production")
    monkeypatch.setenv("LANG", "C.UTF-8")
    assert "DATABASE_URL" not in base_environment()
    assert base_environment()["LANG"] == "C.UTF-8"
    assert "DATABASE_URL" not in python_environment()


def test_what_the_sandbox_sends_is_what_the_command_api_believes(connections: Connections) -> None:
    sent, believed = connections.settings_of("sandbox"), connections.settings_of("command-api")
    assert sent["STRIPE_SANDBOX_WEBHOOK_SECRET"] == believed["STRIPE_WEBHOOK_SECRET"]
    assert sent["STRIPE_SANDBOX_WEBHOOK_URL"] == "http://127.0.0.1:8000/webhooks/stripe"


def test_the_sandbox_sends_what_payments_depend_on(connections: Connections) -> None:
    sent = connections.settings_of("sandbox")["STRIPE_SANDBOX_WEBHOOK_EVENTS"].split(",")
    endpoint = Endpoint(id="we_1", created=0, url="http://x", secrets=["s"], enabled_events=sent)
    known = [
        *event_types.OBJECT_BY_TYPE,
        *(f"{prefix}of_any_kind" for prefix in event_types.OBJECT_BY_PREFIX),
        "payout.paid",
    ]
    assert [each for each in known if not endpoint.wants("acct_1", each)] == []
    assert not endpoint.wants("acct_1", "charge.succeeded")


def test_what_differs_between_the_services_of_one_process_has_their_prefix() -> None:
    shared = shared_settings(
        {
            "RELAY__": {"DATABASE_URL": "relay", "KAFKA_TRANSACTIONS": "false"},
            "PROJECTOR__": {"DATABASE_URL": "projector", "KAFKA_TRANSACTIONS": "false"},
            "SWEEPER__": {"REDIS_URL": "redis"},
        }
    )
    assert shared == {
        "RELAY__DATABASE_URL": "relay",
        "PROJECTOR__DATABASE_URL": "projector",
        "KAFKA_TRANSACTIONS": "false",
        "REDIS_URL": "redis",
    }
