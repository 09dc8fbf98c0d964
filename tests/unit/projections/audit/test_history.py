"""A payment's history: every event with what it changed, and the same as the fold of all of them."""

import random
import re
from html.parser import HTMLParser
from typing import Any

import orjson
import pytest
from rich.console import Console

from domain.ids import PaymentId
from domain.money import Money
from event_store.payments import PAYMENT
from infra.ids import uuid7
from projections.audit.history import history_of
from projections.audit.page import render_page
from projections.audit.table import print_history
from projections.events import DecodedEvent
from projections.payments.mapping import fold
from schemas.envelope import RecordedEvent
from tests.support.payment_histories import events_of, paid, random_history, recorded, refunded, request_payment


def a_history(seed: int) -> list[RecordedEvent]:
    payment_id = PaymentId(uuid7())
    return list(recorded([(payment_id, random_history(random.Random(seed), payment_id=payment_id, steps=25))]))


@pytest.mark.parametrize("seed", range(20))
def test_its_changes_lead_to_what_the_events_come_to(seed: int) -> None:
    events = a_history(seed)
    history = history_of(events)
    assert [step.position for step in history.steps] == [event.position for event in events]
    built: dict[str, object] = {}
    for step in history.steps:
        built |= {change.field: change.after for change in step.changes}
    for field, value in history.payment.items():
        if field not in {"version", "position", "updated_at"}:
            assert built.get(field) == value, field
    row = fold(map(DecodedEvent.of, events))
    assert history.payment == orjson.loads(orjson.dumps(row, option=orjson.OPT_UTC_Z))


@pytest.mark.parametrize("seed", range(20))
def test_the_money_at_each_step_is_the_state_s(seed: int) -> None:
    events = a_history(seed)
    for number, step in enumerate(history_of(events).steps, 1):
        state = PAYMENT.load(events[:number]).state
        assert state is not None
        assert step.status == state.status.value
        assert step.money.captured_cents == state.amount_captured.amount_cents
        assert step.money.refunded_cents == state.amount_refunded.amount_cents
        assert step.money.refund_pending_cents == state.amount_refund_pending.amount_cents


class _Links(HTMLParser):
    """Collects what a page would load, and whether its tags are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "action"}]
        if tag not in {"meta", "path", "circle", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in {"path", "circle"}:
            assert self.open.pop() == tag


def a_refunded_payment(**fields: Any) -> list[RecordedEvent]:
    request = request_payment(**fields)
    refund_id = uuid7()
    commands = [*paid(request), *refunded(refund_id, Money(amount_cents=400, currency="USD"))]  # type: ignore[arg-type]
    return list(recorded([(request.payment_id, events_of(commands))]))


def test_the_page_needs_nothing_else_and_shows_the_money() -> None:
    text = render_page(history_of(a_refunded_payment()))
    page = _Links()
    page.feed(text)
    assert (page.loaded, page.open) == ([], [])
    assert "script" not in text
    assert "6.00 USD captured, 4.00 USD refunded" in text
    assert [float(width) for width in re.findall(r"width:([\d.]+)%", text)][:2] == [60.0, 40.0]


def test_nothing_that_somebody_wrote_is_html_in_the_page() -> None:
    evil = '<img src=x onerror="alert(1)">&'
    text = render_page(history_of(a_refunded_payment(description=evil, metadata={"<b>": evil})))
    page = _Links()
    page.feed(text)
    assert page.loaded == []
    assert "&lt;img src=x" in text


def test_nothing_that_somebody_wrote_moves_the_terminal_s_cursor() -> None:
    console = Console(width=1000, record=True, markup=False, highlight=False)
    with console.capture() as captured:
        print_history(history_of(a_refunded_payment(description="\x1b[2J[bold]x")), console)
    assert "\x1b[2J" not in captured.get()
    assert "4.00 USD refunded" in captured.get()
