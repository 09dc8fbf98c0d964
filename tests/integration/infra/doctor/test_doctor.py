"""`paystream doctor` on real servers: all is well, and each thing broken in turn is the one error that is shown."""

import json
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio
from psycopg.conninfo import conninfo_to_dict

from infra.doctor.deployment import Deployment, given_deployment
from infra.doctor.examine import examine
from infra.doctor.finding import Finding, Status
from infra.doctor.secrets import secrets_of
from infra.doctor.stripe.permissions import NEEDED, READS, WRITES
from infra.embedded.connections import PARTITIONS
from infra.embedded.databases import create_database, drop_database
from infra.embedded.home import Home
from infra.embedded.ports import free_port
from infra.embedded.process import ProcessSpec
from infra.embedded.running import environments
from infra.embedded.stack import Stack
from infra.embedded.valkey import ValkeyServer
from infra.migrations.runner import upgrade
from infra.process import declared
from infra.stripe_sandbox.client import SandboxAdmin
from tests.support.brokers import chosen_broker, on_apache
from tests.support.paystream_command import paystream

pytestmark = [pytest.mark.integration, pytest.mark.broker, pytest.mark.slow]

SANDBOX = ProcessSpec(
    name="sandbox", label="sandbox", arguments=("-m", "infra.cli", "sandbox"), port_variable="STRIPE_SANDBOX_PORT"
)
LIMIT_S = 15.0

Variables = dict[str, dict[str, str]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def module_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """The servers and the sandbox: what the doctor asks. No other process of ours."""
    async with Stack(
        tmp_path_factory.mktemp("doctor"), fsync=False, processes=[SANDBOX], broker=chosen_broker()
    ) as stack:
        yield stack


@pytest.fixture
def stack(module_stack: Stack) -> Stack:
    return module_stack


@pytest.fixture
def variables(stack: Stack) -> Variables:
    """What each process finds in its environment."""
    return environments(stack.home.path, declared.names(declared.SETTINGS))


def changed(variables: Variables, **changes: str) -> Variables:
    """The same, with other values where a process has these variables."""
    return {
        name: found | {key: value for key, value in changes.items() if key in found}
        for name, found in variables.items()
    }


def with_login_of(variables: Variables, process: str, other: str) -> Variables:
    """The same, with the database login of another process for one."""
    return {**variables, process: variables[process] | {"DATABASE_URL": variables[other]["DATABASE_URL"]}}


async def findings(variables: Variables) -> list[Finding]:
    """Look, within the time that it may take; and see that no secret is in what is shown."""
    deployment, began = given_deployment(variables), time.monotonic()
    found = await examine(deployment)
    assert time.monotonic() - began < LIMIT_S
    assert_no_secret(deployment, str(found))
    return found


def assert_no_secret(deployment: Deployment, shown: str) -> None:
    secrets = {each for each in secrets_of(deployment) if each}
    assert len(secrets) >= 6
    assert [each for each in secrets if each in shown] == []


def errors(found: list[Finding]) -> list[tuple[str, str]]:
    assert all(each.remedy for each in found if each.status in {Status.ERROR, Status.WARNING})
    return [(each.area, each.subject) for each in found if each.status is Status.ERROR]


def the_error(found: list[Finding]) -> Finding:
    (error,) = [each for each in found if each.status is Status.ERROR]
    return error


@contextmanager
def frozen(pid: int | None) -> Iterator[None]:
    """A server that accepts connections and says nothing."""
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_all_is_well_with_an_embedded_stack(variables: Variables) -> None:
    found = await findings(variables)
    assert [each for each in found if each.status is not Status.OK] == []
    assert {each.area for each in found} == {
        *("Settings", "Stripe", "PostgreSQL", "Redis", "Redlock", "Proofs", "Kafka", "Production")
    }


# --- PostgreSQL ---


async def test_a_database_that_is_behind_is_the_only_error(stack: Stack, variables: Variables) -> None:
    postgres = stack.component("postgres")
    url = await create_database(postgres, "behind")  # type: ignore[arg-type]
    upgrade(url, "0005")
    there = {
        name: {
            key: f"{value.removesuffix('/paystream')}/behind" if "DATABASE_URL" in key else value
            for key, value in each.items()
        }
        for name, each in variables.items()
    }

    error = the_error(await findings(there))

    assert (error.area, error.subject) == ("PostgreSQL", "migrations")
    assert error.detail.startswith("at 0005, wanted is ")
    await drop_database(postgres, "behind")  # type: ignore[arg-type]


async def test_without_the_owner_the_migrations_are_skipped_and_say_what_helps(variables: Variables) -> None:
    found = await findings({name: each for name, each in variables.items() if name != "migrate"})
    assert errors(found) == []
    (skipped,) = [each for each in found if each.status is Status.SKIPPED]
    assert (skipped.subject, "MIGRATION_DATABASE_URL" in str(skipped.remedy)) == ("migrations", True)


async def test_a_login_that_may_change_the_log_is_the_only_error(stack: Stack, variables: Variables) -> None:
    owner = changed(variables, DATABASE_URL=stack.database_url())
    found = await findings(owner)
    assert {subject for _, subject in errors(found)} == {"rights of paystream_owner"}
    assert "may DELETE, INSERT, TRUNCATE, UPDATE event_store.events" in str(found)


async def test_a_projector_with_the_login_of_the_application_is_the_only_error(variables: Variables) -> None:
    error = the_error(await findings(with_login_of(variables, "projector", "command-api")))
    assert error.detail.startswith("projector: may not ")


async def test_a_relay_with_the_login_of_the_application_is_the_only_error(variables: Variables) -> None:
    error = the_error(await findings(with_login_of(variables, "relay", "command-api")))
    assert error.detail == (
        "relay: may not open the log, which stays closed after the next start of PostgreSQL; "
        "may not INSERT, UPDATE event_store.relay_positions"
    )


async def test_a_query_api_that_could_write_is_the_only_error(variables: Variables) -> None:
    writes = changed(variables, READ_DATABASE_URL=variables["projector"]["DATABASE_URL"])
    error = the_error(await findings(writes))
    assert error.detail.startswith("query-api: may ")
    assert "read_model.payments" in error.detail


async def test_a_wrong_password_is_an_error_of_that_login_alone(variables: Variables) -> None:
    password = str(conninfo_to_dict(variables["query-api"]["READ_DATABASE_URL"])["password"])
    wrong = variables["query-api"]["READ_DATABASE_URL"].replace(password, "wrong-password")
    error = the_error(await findings(changed(variables, READ_DATABASE_URL=wrong)))
    assert error.subject == "login paystream_query_login"
    assert "password authentication failed" in error.detail


async def test_a_transaction_that_holds_up_the_log_is_the_only_error(stack: Stack, variables: Variables) -> None:
    async with await psycopg.AsyncConnection.connect(stack.database_url()) as forgotten:
        await forgotten.execute("SELECT nextval('event_store.event_position')")
        error = the_error(await findings(variables))
        assert (error.area, error.subject) == ("PostgreSQL", "open transactions")
        assert f"pid {forgotten.info.backend_pid}, database paystream, user paystream_owner" in error.detail
        assert error.remedy is not None
        await forgotten.rollback()


async def test_too_few_connections_are_an_error(variables: Variables) -> None:
    wide = {name: each | {"DATABASE_POOL_SIZE": "150"} for name, each in variables.items()}
    assert errors(await findings(wide)) == [("PostgreSQL", "connections")]


@pytest.mark.parametrize("how", ["away", "silent"])
async def test_a_postgres_that_does_not_answer_is_the_only_error(stack: Stack, variables: Variables, how: str) -> None:
    if how == "away":
        nowhere = f"127.0.0.1:{free_port()}"
        address = stack.component("postgres").address
        there = {
            name: {key: value.replace(address, nowhere) for key, value in each.items()}
            for name, each in variables.items()
        }
        found = await findings(there)
    else:
        with frozen(stack.component("postgres").pid):
            found = await findings(variables)
    assert errors(found) == [("PostgreSQL", "server")]
    skipped = {each.subject for each in found if each.status is Status.SKIPPED}
    assert skipped == {"rights", "migrations", "connections", "open transactions", "standbys", "archive", "append"}


# --- Redis ---


@pytest.mark.parametrize("how", ["away", "silent"])
async def test_a_redis_that_does_not_answer_is_the_only_error(stack: Stack, variables: Variables, how: str) -> None:
    if how == "away":
        found = await findings(changed(variables, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0"))
    else:
        with frozen(stack.component("valkey").pid):
            found = await findings(variables)
    error = the_error(found)
    assert (error.area, error.subject) == ("Redis", "server")
    assert "does not answer" in error.detail


async def test_a_redis_that_refuses_the_password_says_so(stack: Stack, variables: Variables) -> None:
    address = stack.component("valkey").address
    error = the_error(await findings(changed(variables, REDIS_URL=f"redis://:wrong-password@{address}/0")))
    assert (error.area, "refuses the login" in error.detail) == ("Redis", True)


async def test_lock_servers_are_asked_each(stack: Stack, variables: Variables, tmp_path: Path) -> None:
    first = stack.redis_url
    home = Home(tmp_path)
    home.open()
    other = ValkeyServer(home, port=free_port(), password="other-password")
    await other.start()
    await other.wait_ready()
    away = f"redis://127.0.0.1:{free_port()}"
    try:
        majority = await findings(_locks(variables, first, other.url, away))
        twice = await findings(_locks(variables, first, other.url, first.replace("127.0.0.1", "localhost")))
        minority = await findings(_locks(variables, first, away, away.replace("127.0.0.1", "localhost")))
    finally:
        await other.stop()
        home.close()

    assert errors(majority) == []
    assert [each.subject for each in majority if each.status is Status.WARNING] == ["majority"]
    assert [each.subject for each in twice if each.status is Status.WARNING] == ["independence"]
    assert errors(minority) == [("Redlock", "majority")]


def _locks(variables: Variables, *urls: str) -> Variables:
    sweeper = variables["worker-sweeper"] | {"REDLOCK_URLS": ",".join(urls)}
    return {**variables, "worker-sweeper": sweeper}


# --- Kafka ---


@pytest.mark.parametrize("how", ["away", "silent"])
async def test_a_kafka_that_does_not_answer_is_the_only_error(stack: Stack, variables: Variables, how: str) -> None:
    if how == "away":
        found = await findings(changed(variables, KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{free_port()}"))
    else:
        with frozen(stack.component("broker").pid):
            found = await findings(variables)
    assert errors(found) == [("Kafka", "brokers")]
    assert [each.subject for each in found if each.status is Status.SKIPPED] == ["transactions", "topics"]


async def test_a_topic_with_other_partitions_is_the_only_error_and_has_a_remedy(variables: Variables) -> None:
    found = await findings(changed(variables, KAFKA_TOPIC_PARTITIONS="24"))
    assert {each.detail for each in found if each.status is Status.ERROR} == {f"partitions {PARTITIONS} instead of 24"}
    assert all(area == "Kafka" and subject.startswith("paystream.") for area, subject in errors(found))
    assert f"KAFKA_TOPIC_PARTITIONS={PARTITIONS}" in str(found)


async def test_transactions_are_tried(variables: Variables) -> None:
    expected = {name: each | {"KAFKA_TRANSACTIONS": "true"} for name, each in variables.items()}
    found = await findings(expected)
    assert errors(found) == ([] if on_apache() else [("Kafka", "transactions")])


async def test_replicas_that_there_are_no_brokers_for_are_errors(variables: Variables) -> None:
    found = await findings(changed(variables, KAFKA_REPLICATION_FACTOR="3"))
    assert ("Kafka", "brokers") in errors(found)


# --- Stripe ---


async def test_what_a_restricted_key_may_not_read_is_the_only_error(stack: Stack, variables: Variables) -> None:
    restricted = changed(variables, STRIPE_SECRET_KEY="rk_test_doctor_restricted")
    needed = [f"{each.permission}_{'write' if each.write else 'read'}" for each in NEEDED]
    others = ["rak_accounts_kyc_basic_read", "rak_webhook_read"]
    async with SandboxAdmin(f"http://{stack.component('sandbox').address}") as admin:
        await admin.restrict_key("rk_test_doctor_restricted", *needed, *others)
        well = await findings(restricted)
        await admin.restrict_key("rk_test_doctor_restricted", *needed[:-1], *others)
        error = the_error(await findings(restricted))

    assert errors(well) == []
    assert [each.subject for each in well if each.status is Status.SKIPPED] == [WRITES]
    assert (error.area, error.subject) == ("Stripe", READS)
    assert error.detail == "the restricted key may not read Events"


async def test_a_wrong_key_is_the_only_error(variables: Variables) -> None:
    error = the_error(await findings(changed(variables, STRIPE_SECRET_KEY="sk_test_wrong-key")))
    assert (error.area, error.subject) == ("Stripe", "account")
    assert "(401): Invalid API Key provided" in error.detail


@pytest.mark.parametrize("how", ["away", "silent"])
async def test_a_sandbox_that_does_not_answer_is_the_only_error(stack: Stack, variables: Variables, how: str) -> None:
    if how == "away":
        found = await findings(changed(variables, STRIPE_API_BASE=f"http://127.0.0.1:{free_port()}"))
    else:
        with frozen(stack.component("sandbox").pid):
            found = await findings(variables)
    error = the_error(found)
    assert (error.area, error.subject) == ("Stripe", "connection")
    assert "no answer from Stripe" in error.detail


async def test_an_endpoint_that_does_not_send_enough_is_a_warning(stack: Stack, variables: Variables) -> None:
    async with SandboxAdmin(stack.urls.sandbox) as admin:
        await admin.change_endpoint("we_from_the_settings", enabled_events=["payment_intent.*"])
        found = await findings(variables)
        await admin.change_endpoint("we_from_the_settings", status="disabled")
        disabled = await findings(variables)
    await stack.restart("sandbox")

    (warning,) = [each for each in found if each.status is Status.WARNING]
    assert warning.subject == "webhook endpoint"
    assert "does not send charge.refunded, " in warning.detail
    assert "none of 1 is enabled" in str(disabled)


async def test_a_webhook_secret_of_another_form_is_the_only_error(variables: Variables) -> None:
    error = the_error(await findings(changed(variables, STRIPE_WEBHOOK_SECRET="not-a-secret-of-stripe")))
    assert (error.area, error.subject) == ("Stripe", "webhook secret")


# --- the command ---


async def test_the_command_finds_the_stack_by_its_folder(stack: Stack, tmp_path: Path) -> None:
    settings = {"paystream_home": stack.home.path}
    shown = await paystream("doctor", cwd=tmp_path, settings=settings)
    assert (shown.code, shown.errors) == (0, "")
    assert f"Looking at the stack that runs on {stack.home.path} ..." in shown.output
    assert shown.output.endswith(" ok, 0 warning, 0 error, 0 skipped\n")

    reported = await paystream("doctor", "--json", cwd=tmp_path, settings=settings)
    assert (reported.code, reported.errors) == (0, "")
    document = json.loads(reported.output)
    assert document["summary"]["error"] == document["summary"]["warning"] == 0


async def test_the_command_reads_the_environment_and_shows_no_secret(
    stack: Stack, variables: Variables, tmp_path: Path
) -> None:
    merged: dict[str, Any] = {}
    for each in (variables["worker-stripe-gateway"], variables["query-api"], variables["command-api"]):
        merged |= each
    url = merged["DATABASE_URL"]
    (tmp_path / ".env").write_text(f"DATABASE_URL={url}\n")
    del merged["DATABASE_URL"]

    chosen = [
        word for name in ("command-api", "worker-stripe-gateway", "worker-sweeper") for word in ("--process", name)
    ]
    shown = await paystream("doctor", *chosen, cwd=tmp_path, settings=merged)
    everything = await paystream(
        "doctor", "--json", cwd=tmp_path, settings=merged | {"stripe_secret_key": "sk_live_x1"}
    )

    assert (shown.code, shown.errors) == (0, "")
    assert "rights of paystream_app_login" in shown.output
    assert everything.code == 1
    assert "is a live key" in everything.output
    passwords = [str(conninfo_to_dict(each)["password"]) for each in (url, stack.database_url())]
    for secret in (
        *passwords,
        stack.redis_url,
        merged["STRIPE_SECRET_KEY"],
        merged["STRIPE_WEBHOOK_SECRET"],
        "sk_live_x1",
    ):
        assert secret not in shown.output + shown.errors + everything.output + everything.errors
    with psycopg.connect(url) as connection:  # nothing was left open or changed
        assert connection.execute("SELECT count(*) FROM event_store.events").fetchone() == (0,)


async def test_the_command_ends_in_time_and_is_quiet_when_everything_is_away(tmp_path: Path) -> None:
    nowhere = free_port()
    settings = {
        "database_url": f"postgresql://app:password-1@127.0.0.1:{nowhere}/paystream",
        "read_database_url": f"postgresql://query:password-2@127.0.0.1:{nowhere}/paystream",
        "redis_url": f"redis://:password-3@127.0.0.1:{nowhere}/0",
        "kafka_bootstrap_servers": f"127.0.0.1:{nowhere}",
        "stripe_secret_key": "sk_test_nobody",
        "stripe_webhook_secret": "whsec_nobody123",
        "stripe_api_base": f"http://127.0.0.1:{nowhere}",
        "api_keys": "[]",
    }
    began = time.monotonic()

    shown = await paystream("doctor", "--json", cwd=tmp_path, settings=settings)

    assert time.monotonic() - began < LIMIT_S + 5  # and its imports, on a machine with other work
    assert (shown.code, shown.errors) == (1, "")
    found = json.loads(shown.output)["findings"]
    assert [(each["area"], each["subject"]) for each in found if each["status"] == "error"] == [
        ("Stripe", "connection"),
        ("PostgreSQL", "server"),
        ("Redis", "server"),
        ("Kafka", "brokers"),
    ]
    assert not any(secret in shown.output for secret in ("password-", "sk_test_nobody", "whsec_nobody123"))
