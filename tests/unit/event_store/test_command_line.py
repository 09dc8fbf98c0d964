"""What a command says of an event that it cannot read: which it is, and what to do."""

import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from domain.ids import EventId, MerchantId
from domain.payment.errors import BrokenHistory
from event_store.command_line import run
from schemas.envelope import EventMetadata, RecordedEvent
from schemas.events import PAYMENT_CODEC

ROOT = Path(__file__).parents[3]
NEWER = RecordedEvent(
    event_id=EventId(UUID(int=7)),
    stream_id=UUID(int=8),
    version=3,
    position=41,
    category="payment",
    type="payment.from_the_future",
    schema_version=1,
    data=b"{}",
    metadata=EventMetadata(correlation_id="c", actor="test", merchant_id=MerchantId("m")),
    recorded_at=datetime(2026, 5, 1, tzinfo=UTC),
)


async def reads_it() -> int:
    PAYMENT_CODEC.decode(NEWER)
    return 0


async def makes_no_sense() -> int:
    raise BrokenHistory("RefundFailed comes before RefundRequested.")


def test_an_event_that_cannot_be_read_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(reads_it(), failed=2) == 2
    assert capsys.readouterr().err == (
        f"paystream: event {UUID(int=7)} (position 41, version 3 of stream {UUID(int=8)}) cannot be read: "
        "unknown event type 'payment.from_the_future'. "
        "Remedy: use the release that recorded it; or see: paystream audit invariants\n"
    )


def test_an_order_that_cannot_be_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(makes_no_sense()) == 1
    assert "make no sense: RefundFailed comes before RefundRequested." in capsys.readouterr().err


def test_whoever_reads_the_log_runs_so() -> None:
    programs = [
        path
        for folder in ("event_store", "consumers", "projections")
        for path in (ROOT / folder).rglob("cli_*.py")
        if re.search(r"from infra\.cli\.execute import .*\brun", path.read_text())
    ]
    assert programs == []
