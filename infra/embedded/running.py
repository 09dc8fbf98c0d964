"""Reads from another terminal how a running stack is set up. It changes nothing."""

import os
from pathlib import Path
from typing import cast, get_args

from infra.embedded.connections import FORMER_PARTITIONS, BrokerKind, Connections
from infra.embedded.errors import EmbeddedError
from infra.embedded.home import Home
from infra.embedded.passwords import load_or_create
from infra.embedded.postgres import PostgresServer
from infra.embedded.process import HTTP_PORTS
from infra.embedded.valkey import ValkeyServer

STACK_FILE = "stack.json"
"""The stack that was started last: its kind of broker, the partitions of a topic, and each component's port."""
SANDBOX_DATA = "stripe-sandbox.sqlite"
PROOFS = "proofs"

_NO_PORTS = {"broker_kind", "partitions"}
_SERVERS = ("postgres", "valkey", "broker")


class NothingRuns(EmbeddedError):
    """No stack runs in this folder."""


def is_running(path: Path) -> bool:
    """Whether a stack seems to run on the folder."""
    try:
        _remembered(path)
    except EmbeddedError:
        return False
    return True


def folder_problem(path: Path) -> str | None:
    """Return why it cannot be told whether a stack runs on the folder, if so: it may be another user's."""
    try:
        _remembered(path)
    except NothingRuns:
        return None
    except EmbeddedError as error:
        return f"Whether a `make run` is running there cannot be told. {error}"
    return None


def environments(path: Path, names: list[str]) -> dict[str, dict[str, str]]:
    """Return what each of these processes finds in its environment; `migrate` stands for the owner of the database.

    Raises NothingRuns, or HomeUnusable when the folder cannot be read.
    """
    home, kept = Home(path), _remembered(path)
    ports = {name: int(port) for name, port in kept.items() if name not in _NO_PORTS}
    passwords = load_or_create(home)
    postgres = PostgresServer(home, port=ports["postgres"], passwords=passwords)
    urls = {name: f"http://127.0.0.1:{ports[name]}" for name in HTTP_PORTS}
    connections = Connections(
        postgres=postgres,
        privacy_wrapping_key=passwords.privacy_wrapping_key,
        redis_url=ValkeyServer(home, port=ports["valkey"], password=passwords.valkey).url,
        kafka_bootstrap_servers=f"127.0.0.1:{ports['broker']}",
        broker=cast("BrokerKind", kept["broker_kind"]),
        partitions=int(kept.get("partitions", FORMER_PARTITIONS)),
        command_api=urls["command-api"],
        query_api=urls["query-api"],
        stripe_api_base=urls["sandbox"],
        sandbox_data=home.path / SANDBOX_DATA,
        proofs=home.path / PROOFS,
    )
    owner = {"MIGRATION_DATABASE_URL": postgres.url()}
    return {name: owner if name == "migrate" else dict(connections.settings_of(name)) for name in names}


def _remembered(path: Path) -> dict[str, int | str]:
    """Return what the running stack remembered. Raises NothingRuns, or HomeUnusable when the folder cannot be read."""
    home = Home(path)
    kept = home.remembered(STACK_FILE)
    complete = all(isinstance(kept.get(name), int) for name in (*_SERVERS, *HTTP_PORTS))
    if not complete or kept.get("broker_kind") not in get_args(BrokerKind) or not _holder_lives(home):
        message = (
            f"No Paystream runs on {home.path}. Start one with `make run`, or name its folder with PAYSTREAM_HOME."
        )
        raise NothingRuns(message)
    return kept


def _holder_lives(home: Home) -> bool:
    """Whether the process that wrote its id into the lock is there; taking the lock would stop one that starts."""
    try:
        holder = int((home.path / "up.lock").read_text(encoding="utf-8"))
        os.kill(holder, 0)
    except PermissionError:
        return True  # another user's
    except (OSError, ValueError):
        return False
    return True
