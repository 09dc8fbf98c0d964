"""What `paystream recover` shows of a log, and when it asks, refuses or goes on."""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from domain.ids import EventId, PaymentId
from event_store.recovery import cli_run
from event_store.recovery.cli_run import run_recover
from event_store.recovery.examination import Examined, RecoveryRefused, ShownEvent
from event_store.recovery.traces import Trace
from infra.process import declared

LOST = ShownEvent(
    position=7, event_id=EventId(UUID(int=7)), stream_id=UUID(int=70), version=2, type="payment.requested"
)
CLOSED = Examined(
    epoch=1,
    closed_because="it lacks an event",
    since=datetime(2026, 11, 28, tzinfo=UTC),
    lost=30,
    first_lost=(LOST,) * 25,
    lost_streams=frozenset({LOST.stream_id}),
)
OPEN = Examined(epoch=3, closed_because=None, since=None)
DECISION = Examined(
    epoch=1,
    closed_because="it lacks an event",
    since=None,
    left_out=((LOST, None),),
    blockers=("a position was used twice",),
)


class Admin:
    def __init__(self, examined: Examined) -> None:
        self.examined = examined
        self.recovered: list[tuple[str, str]] = []

    async def examine(self, *_: object) -> Examined:
        return self.examined

    async def recover(self, *_: object, actor: str, reason: str) -> str:
        self.recovered.append((actor, reason))
        return "the log is open"

    async def missing_from_log(self, _: object, traces: Collection[Trace]) -> list[Trace]:
        return [each for each in traces if each.payment_id != UUID(int=1)]


class Traces:
    """What Redis, or Stripe, knows."""

    def __init__(self, found: Sequence[Trace] | Exception) -> None:
        self.found = found

    async def traces(self, *_: object, **__: object) -> Sequence[Trace]:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@pytest.fixture
def redis() -> Traces:
    return Traces(
        [Trace(payment_id=PaymentId(UUID(int=number)), where="Redis: the response was 201") for number in range(1, 30)]
    )


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, redis: Traces) -> Any:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_x")

    @asynccontextmanager
    async def connected(*_: object, **__: object) -> Any:
        yield None

    async def connect(*_: object, **__: object) -> Any:
        return connected()

    monkeypatch.setattr(cli_run, "connect_session", connect)

    def ran(admin: Admin, **options: Any) -> int:
        sources = {"redis": redis, "stripe": Traces(TimeoutError())}
        monkeypatch.setattr(cli_run, "RecoveryAdmin", lambda: admin)
        monkeypatch.setattr(declared, "load", lambda _, name: lambda: sources[name])
        return run_recover(**{"dry_run": False, "yes": False, "actor": "ada", "reason": None, **options})

    return ran


def test_an_open_log_needs_nothing(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    admin = Admin(OPEN)
    assert run(admin) == 0
    output = capsys.readouterr().out
    assert output.startswith("The log is open, in epoch 3.\n")
    assert "Known to Redis and not to the log, of 29 looked at: 28" in output
    assert "... and 8 more" in output
    assert "Stripe was not asked what it knows of lost payments: TimeoutError." in output
    assert admin.recovered == []


def test_a_dry_run_shows_what_was_lost_and_does_nothing(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    admin = Admin(CLOSED)
    assert run(admin, dry_run=True) == 1
    output = capsys.readouterr().out
    assert "The log is closed: it lacks an event." in output
    assert "written back at their own positions: 30" in output
    assert "... and 10 more" in output
    assert admin.recovered == []


@pytest.mark.parametrize(("answer", "code", "recovered"), [("y", 0, [("ada", "")]), ("", 1, []), ("no", 1, [])])
def test_it_asks_before_it_writes(
    run: Any, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, recovered: list[tuple[str, str]]
) -> None:
    admin = Admin(CLOSED)
    monkeypatch.setattr("builtins.input", lambda _: answer)
    assert run(admin) == code
    assert admin.recovered == recovered


def test_where_a_person_has_to_decide_a_reason_is_needed(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    admin = Admin(DECISION)
    assert run(admin, yes=True) == 1
    said = capsys.readouterr()
    assert "their place in the log is taken: 1" in said.out
    assert "To be decided: a position was used twice." in said.out
    assert said.err == "An operator has to decide here: give a --reason.\n"
    assert run(admin, yes=True, reason="restored too early") == 0
    assert admin.recovered == [("ada", "restored too early")]


def test_what_is_refused_is_said(run: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    admin = Admin(CLOSED)

    async def refuse(*_: object) -> Examined:
        await asyncio.sleep(0)
        raise RecoveryRefused("Kafka does not answer")

    monkeypatch.setattr(admin, "examine", refuse)
    assert run(admin) == 1
    assert capsys.readouterr().err == "paystream: Kafka does not answer\n"
