"""A payment's history as one HTML page that needs nothing else: no script, no font, no address."""

from html import escape
from pathlib import Path
from string import Template

import orjson

from infra.cli.output import format_amount
from projections.audit.causes import draw_causes
from projections.audit.history import Money, PaymentHistory, Step
from schemas.http.times import timestamp

_PAGE = Template(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))


def render_page(history: PaymentHistory) -> str:
    """Return the page."""
    last = history.steps[-1]
    return _PAGE.substitute(
        payment_id=escape(str(history.payment_id)),
        merchant_id=escape(history.merchant_id),
        status=escape(last.status),
        events=len(history.steps),
        since=timestamp(history.steps[0].at),
        until=timestamp(last.at),
        bar=_bar(last.money, history.currency),
        causes=draw_causes(history.steps),
        steps="\n".join(_step(step, history.currency) for step in history.steps),
    )


def _bar(money: Money, currency: str) -> str:
    """Draw the money as a bar as wide as the payment's amount; what is disputed is said below it."""
    whole = max(money.amount_cents, money.captured_cents, 1)
    kept = max(0, money.captured_cents - money.refunded_cents - money.refund_pending_cents)
    parts = [
        ("captured", kept),
        ("refund pending", money.refund_pending_cents),
        ("refunded", money.refunded_cents),
        ("held", money.capturable_cents),
    ]
    parts.append(("not taken", max(0, whole - sum(cents for _, cents in parts))))
    shown = [(name, cents) for name, cents in parts if cents]
    spans = "".join(
        f'<span class="{name.replace(" ", "-")}" style="width:{cents * 100 / whole:.3f}%"></span>'
        for name, cents in shown
    )
    words = ", ".join(f"{format_amount(cents, currency)} {name}" for name, cents in shown)
    if money.disputed_cents:
        words += f"; {format_amount(money.disputed_cents, currency)} disputed"
    return f'<div class="bar" role="img" aria-label="{escape(words)}">{spans}</div><p>{escape(words)}</p>'


def _step(step: Step, currency: str) -> str:
    changes = "".join(
        f"<tr><td>{escape(change.field)}</td><td>{_value(change.before)}</td><td>{_value(change.after)}</td></tr>"
        for change in step.changes
    )
    said = [
        ("actor", step.actor),
        ("request", step.request_id),
        ("correlation", step.correlation_id),
        ("cause", step.causation_id),
        ("event id", step.event_id),
    ]
    origin = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in said if value is not None)
    head = "<tr><th>field</th><th>before</th><th>after</th></tr>" if changes else ""
    return (
        f'<section id="v{step.version}"><h3>{step.version}. {escape(step.type)} <small>position {step.position}, '
        f"{timestamp(step.at)}</small></h3><p>Status: <b>{escape(step.status)}</b></p><dl>{origin}</dl>"
        f"{_bar(step.money, currency)}<table>{head}{changes}</table></section>"
    )


def _value(value: object) -> str:
    return "" if value is None else escape(value if isinstance(value, str) else orjson.dumps(value).decode())
