import hashlib
import json
from pathlib import Path

import pytest

from command_api.settings import CommandApiSettings
from consumers.gateway.settings import GatewaySettings
from event_store.relay.process import RelaySettings
from infra.embedded.connections import DEVELOPMENT_KEY, KAFKA, Connections
from infra.embedded.environment import base_environment, python_environment
from infra.embedded.home import Home
from infra.embedded.passwords import Passwords
from infra.embedded.postgres import PostgresServer
from infra.settings import DEVELOPMENT_KEY_SHA256, ProcessSettings
from infra.stripe_sandbox.settings import SandboxSettings
from projections.process import ProjectorSettings
from query_api.settings import QueryApiSettings

_PASSWORDS = Passwords(owner="o/1", app="a", projector="p", query="q", valkey="v")


@pytest.fixture
def connections(tmp_path: Path) -> Connections:
    return Connections(
        postgres=PostgresServer(Home(tmp_path), port=5432, passwords=_PASSWORDS),
        redis_url="redis://:v@127.0.0.1:6379/0",
        kafka_bootstrap_servers="127.0.0.1:9092",
        stripe_api_base="http://127.0.0.1:8002",
        sandbox_data=tmp_path / "sandbox",
    )


@pytest.mark.parametrize(
    ("process", "variables"),
    [
        ("sandbox", {"STRIPE_SANDBOX_DATA"}),
        ("query-api", {"READ_DATABASE_URL", "API_KEYS", "QUERY_ANONYMOUS_MERCHANT_ID"}),
        ("command-api", {"DATABASE_URL", "REDIS_URL", "API_KEYS"}),
        ("relay", {"DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", *KAFKA}),
        ("projector", {"DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", *KAFKA}),
        (
            "worker-stripe-gateway",
            {"DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", *KAFKA, "STRIPE_API_BASE", "STRIPE_SECRET_KEY"},
        ),
        ("worker-of-tomorrow", {"DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS", *KAFKA}),
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
        ("relay", RelaySettings),
        ("projector", ProjectorSettings),
        ("worker-stripe-gateway", GatewaySettings),
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
    assert role("relay") == "paystream_app_login"
    assert role("worker-stripe-gateway") == "paystream_app_login"
    assert role("projector") == "paystream_projector_login"
    assert role("query-api", "READ_DATABASE_URL") == "paystream_query_login"


@pytest.mark.parametrize("process", ["relay", "projector", "worker-stripe-gateway", "worker-of-tomorrow"])
def test_the_embedded_broker_is_used_without_transactions(connections: Connections, process: str) -> None:
    settings = connections.settings_of(process)
    assert settings["KAFKA_TRANSACTIONS"] == "false"
    assert int(settings["KAFKA_FETCH_MAX_WAIT_MS"]) <= 20


def test_the_development_key_is_the_one_that_production_refuses(connections: Connections) -> None:
    (key,) = json.loads(connections.settings_of("command-api")["API_KEYS"])
    assert key["sha256"] == DEVELOPMENT_KEY_SHA256 == hashlib.sha256(DEVELOPMENT_KEY.encode()).hexdigest()


def test_a_password_is_quoted_in_its_url(connections: Connections) -> None:
    assert connections.postgres.url() == "postgresql://paystream_owner:o%2F1@127.0.0.1:5432/paystream"


def test_children_get_nothing_of_the_users_environment_but_what_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://production")
    monkeypatch.setenv("LANG", "C.UTF-8")
    assert "DATABASE_URL" not in base_environment()
    assert base_environment()["LANG"] == "C.UTF-8"
    assert "DATABASE_URL" not in python_environment()
