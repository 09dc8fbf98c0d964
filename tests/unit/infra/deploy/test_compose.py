"""docker-compose.yml says what Docker, Kafka and our processes take. It is only read here: no Docker engine runs it."""

import re
import subprocess
import sys
import tomllib

import pytest
import yaml
from pydantic_settings import BaseSettings
from typer.core import TyperGroup
from typer.main import get_command

from back_office.settings import BackOfficeSettings
from command_api.settings import CommandApiSettings
from consumers.balance.settings import BalanceSettings
from consumers.gateway.settings import GatewaySettings
from consumers.reconciliation.settings import ReconciliationSettings
from consumers.saga.settings import SagaSettings
from consumers.sweeper.settings import SweeperSettings
from consumers.webhooks.settings import WebhooksSettings
from consumers.webhooks_out.settings import WebhooksOutSettings
from event_store.relay.process import RelaySettings
from event_store.sealer.settings import SealerSettings
from infra.cli.app import app
from infra.embedded.apache_kafka.config import CLUSTER_ID
from infra.embedded.connections import WEBHOOK_EVENTS
from infra.embedded.prometheus import RULES
from infra.process import declared
from infra.process.health import Health, health_routes
from infra.settings.kafka import KafkaSettings
from infra.settings.postgres import MigrationSettings
from infra.stripe_sandbox.settings import SandboxSettings
from projections.process import ProjectorSettings
from query_api.settings import QueryApiSettings
from tests.support.compose_file import ROOT, SERVICES, TEXT, VARIABLE, environment, kafka_settings

OURS: dict[str, type[BaseSettings]] = {
    "migrate": MigrationSettings,
    "topics": KafkaSettings,
    "sandbox": SandboxSettings,
    "command-api": CommandApiSettings,
    "query-api": QueryApiSettings,
    "back-office": BackOfficeSettings,
    "relay": RelaySettings,
    "stripe-balance": BalanceSettings,
    "stripe-gateway": GatewaySettings,
    "stripe-webhooks": WebhooksSettings,
    "reconciliation": ReconciliationSettings,
    "sweeper": SweeperSettings,
    "sagas": SagaSettings,
    "sealer": SealerSettings,
    "webhooks-out": WebhooksOutSettings,
    "projector": ProjectorSettings,
}
ONE_SHOT = {"migrate", "login-roles", "topics"}
LASTING = SERVICES.keys() - ONE_SHOT
PROMETHEUS = RULES / "prometheus.yml"
ALERTMANAGER = RULES.parent / "alertmanager" / "alertmanager.yml"
HEALTH_URL = re.compile(r"http://127\.0\.0\.1:(\d+)(/[^']*)'")


def test_it_is_a_compose_file() -> None:
    """The schema is https://github.com/compose-spec/compose-spec/blob/main/schema/compose-spec.json."""
    argv = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"]
    checked = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_every_file_that_it_names_is_there() -> None:
    """Docker would make an empty folder in place of what is missing, and mount that."""
    mounted = [str(each).partition(":")[0] for service in SERVICES.values() for each in service.get("volumes", ())]
    files = [each for each in mounted if each.startswith(".")]
    assert files
    built = {service["build"]["dockerfile"] for service in SERVICES.values() if "build" in service}
    assert [each for each in (*files, *built) if not (ROOT / each).exists()] == []


def test_every_declared_process_and_worker_is_a_service() -> None:
    assert {*declared.names(declared.PROCESSES), *declared.names(declared.WORKERS)} == OURS.keys() - ONE_SHOT
    assert {name for name, service in SERVICES.items() if "build" in service} == OURS.keys()


@pytest.mark.parametrize("service", OURS)
def test_its_command_is_one_of_paystream(service: str) -> None:
    command = get_command(app)
    words = list(SERVICES[service]["command"])
    while isinstance(command, TyperGroup):
        command = command.commands[words.pop(0)]
    if command.name == "worker":
        assert words.pop() in declared.names(declared.WORKERS)
    assert not words


@pytest.mark.parametrize("service", OURS)
def test_its_process_gets_the_settings_that_it_needs_and_no_others(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = OURS[service]
    found = environment(service)
    assert {name.lower() for name in found} <= settings.model_fields.keys()
    for name in settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    settings(_env_file=None)


@pytest.mark.parametrize("service", sorted(OURS.keys() - ONE_SHOT))
def test_its_health_check_asks_the_process_itself_whether_it_is_ready(service: str) -> None:
    found = HEALTH_URL.search(SERVICES[service]["healthcheck"]["test"][-1])
    assert found is not None
    (port,) = (value for name, value in environment(service).items() if name.endswith("_PORT"))
    assert found[1] == port
    assert found[2] == "/health/ready"
    assert found[2] in {route.path for route in health_routes(Health())}
    hosts = {name: value for name, value in environment(service).items() if name.endswith("_HOST")}
    assert set(hosts.values()) == {"0.0.0.0"}, "the default is seen inside the container only"


@pytest.mark.parametrize("service", SERVICES)
def test_what_it_waits_for_can_be_waited_for(service: str) -> None:
    for other, waiting in SERVICES[service].get("depends_on", {}).items():
        if other in ONE_SHOT:
            assert waiting["condition"] == "service_completed_successfully"
        else:
            assert waiting["condition"] == "service_healthy"
            assert "healthcheck" in SERVICES[other]


@pytest.mark.parametrize("service", SERVICES)
def test_it_has_limits_and_comes_back_unless_it_is_done_after_one_run(service: str) -> None:
    assert SERVICES[service]["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    assert SERVICES[service]["restart"] == ("no" if service in ONE_SHOT else "unless-stopped")
    assert ("healthcheck" in SERVICES[service]) == (service in LASTING)


def test_ports_are_published_to_this_machine_alone() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(published) == 8
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_variables_are_named_at_the_top_and_passwords_are_for_development() -> None:
    defaults = {found["name"]: found["default"] for found in VARIABLE.finditer(TEXT)}
    introduction = TEXT.partition("\nname:")[0]
    assert defaults.keys() == set(re.findall(r"PAYSTREAM_\w+", introduction))
    passwords = {name: default for name, default in defaults.items() if name.endswith("_PASSWORD")}
    assert len(passwords) == len(set(passwords.values())) > 7
    assert all(default.startswith("development-only-") for default in passwords.values())


def test_prometheus_sends_its_alerts_to_the_alertmanager_beside_it() -> None:
    (target,) = [
        target
        for manager in yaml.safe_load(PROMETHEUS.read_text("utf-8"))["alerting"]["alertmanagers"]
        for static in manager["static_configs"]
        for target in static["targets"]
    ]
    service, _, port = target.partition(":")
    alertmanager = SERVICES[service]
    assert alertmanager["image"].startswith("prom/alertmanager:v")
    (published,) = alertmanager["ports"]
    assert published.rpartition(":")[2] == port
    health = HEALTH_URL.search(f"{alertmanager['healthcheck']['test'][-1]}'")
    assert health is not None
    assert (health[1], health[2]) == (port, "/-/ready")
    assert SERVICES["prometheus"]["depends_on"][service] == {"condition": "service_healthy"}


def test_alertmanager_reads_the_file_of_the_repository() -> None:
    alertmanager = SERVICES["alertmanager"]
    (named,) = (each.partition("=")[2] for each in alertmanager["command"] if each.startswith("--config.file="))
    mounts = {target: source for source, target, *_ in (each.split(":") for each in alertmanager["volumes"])}
    folder, _, name = named.rpartition("/")
    assert (ROOT / mounts[folder] / name).resolve() == ALERTMANAGER


def test_kafka_is_set_up_as_the_local_broker_is() -> None:
    found = environment("kafka")
    assert found.pop("CLUSTER_ID") == CLUSTER_ID
    del found["KAFKA_HEAP_OPTS"]  # no setting of Kafka: the image's start script reads it
    settings = {name.removeprefix("KAFKA_").replace("_", ".").lower(): value for name, value in found.items()}
    assert settings == kafka_settings()


def test_the_image_holds_every_package_and_does_not_run_as_root() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    let_in = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert {f"!{package}" for package in packages["packages"]} <= set(let_in)
    dockerfile = (ROOT / "infra/deploy/docker/Dockerfile").read_text("utf-8")
    installed = re.findall(r"pip install --require-hashes --requirement (\S+)", dockerfile)
    assert installed == ["requirements/base.txt", "requirements/build.txt"]
    assert all("--hash=sha256:" in (ROOT / path).read_text("utf-8") for path in installed)
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", dockerfile.split("FROM")[-1], re.MULTILINE)


def test_the_sandbox_sends_webhooks_that_the_command_api_believes() -> None:
    sent, believed = environment("sandbox"), environment("command-api")
    assert sent["STRIPE_SANDBOX_WEBHOOK_SECRET"] == believed["STRIPE_WEBHOOK_SECRET"]
    assert sent["STRIPE_SANDBOX_WEBHOOK_URL"] == f"http://command-api:{believed['COMMAND_API_PORT']}/webhooks/stripe"
    assert sent["STRIPE_SANDBOX_WEBHOOK_EVENTS"] == WEBHOOK_EVENTS
