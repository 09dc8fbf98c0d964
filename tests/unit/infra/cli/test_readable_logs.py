import json
from typing import Any

import pytest

from infra.cli.output import format_amount
from infra.cli.readable_logs import log_line


def line(event: str, level: str = "info", **fields: object) -> str:
    always = {"request_id": None, "correlation_id": None, "user_id": None, "payment_id": None}
    return json.dumps(
        {"timestamp": "2026-11-22T12:00:00Z", "level": level, "event": event, "service": "relay", **always, **fields}
    )


@pytest.mark.parametrize(
    ("logged", "shown"),
    [
        (
            line("payment_accepted", payment_id="p1", amount_cents=1000, currency="USD", user_id="anna"),
            "accepted: 10.00 USD from anna",
        ),
        (
            line("refund_accepted", payment_id="p1", refund_id="r1", amount_cents=500),
            "refund accepted: 500 (smallest unit), refund r1",
        ),
        (
            line(
                "stripe_call_finished",
                payment_id="p1",
                operation="create_intent",
                outcome="succeeded",
                duration_ms=41.7,
                stripe_id="pi_1",
            ),
            "Stripe create_intent: succeeded in 42 ms (pi_1)",
        ),
        (
            line("stripe_call_retry", payment_id="p1", operation="refund", attempt=2, delay_ms=1500, error="timed out"),
            "Stripe refund failed (try 2), again in 1.5 s: timed out",
        ),
        (line("payment_status_changed", payment_id="p1", status="succeeded"), "is now succeeded"),
    ],
)
def test_a_notable_event_becomes_a_sentence_about_its_payment(logged: str, shown: str) -> None:
    said = log_line(logged)
    assert said is not None
    assert (said.subject, said.text) == ("payment p1", shown)


def test_a_warning_of_any_name_is_told_with_its_own_fields_only() -> None:
    said = log_line(line("broker_slow", level="warning", lag=7, correlation_id="c1"))
    assert said is not None
    assert (said.subject, said.text, said.style) == ("relay", "broker_slow lag=7", "yellow")


def test_of_a_traceback_the_last_line_is_told() -> None:
    said = log_line(line("process_failed", level="critical", exception="Traceback ...\n  File\nKeyError: 'x'"))
    assert said is not None
    assert said.text == "process_failed exception=KeyError: 'x'"


def test_an_event_with_a_field_less_is_told_all_the_same() -> None:
    said = log_line(line("payment_accepted", payment_id="p1", amount_cents=1000))
    assert said is not None
    assert said.text == "payment_accepted amount_cents=1000"


@pytest.mark.parametrize(
    "logged", [line("http_request", status=200), "no json: warning", '"warning"', '["error"]', "", "{"]
)
def test_what_is_not_notable_or_not_json_is_passed_over(logged: str) -> None:
    assert log_line(logged) is None


@pytest.mark.parametrize(
    ("amount_cents", "currency", "text"),
    [
        (123456, "USD", "1,234.56 USD"),
        (1000, "JPY", "1,000 JPY"),
        (1000, "ISK", "10.00 ISK"),  # Stripe counts it with two decimals
        (1230, "KWD", "1.230 KWD"),
        (5, "EUR", "0.05 EUR"),
        (-5, "EUR", "-0.05 EUR"),
        (-123456, "JPY", "-123,456 JPY"),
        (9_007_199_254_740_993_01, "IDR", "9,007,199,254,740,993.01 IDR"),
        (-1_234_567_890_123_456_789, "KWD", "-1,234,567,890,123,456.789 KWD"),
    ],
)
def test_amounts_are_shown_as_stripe_counts_them(amount_cents: int, currency: str, text: str) -> None:
    assert format_amount(amount_cents, currency) == text


def test_a_declined_call_shows_its_codes() -> None:
    codes = {"code": "card_declined", "decline_code": "insufficient_funds"}
    call: dict[str, Any] = {"operation": "create_intent", "outcome": "declined", "duration_ms": 40}
    said = log_line(line("stripe_call_finished", **call, **codes))
    assert said is not None
    assert said.text == "Stripe create_intent: declined (card_declined, insufficient_funds) in 40 ms"


def test_the_refill_of_an_empty_broker_is_told() -> None:
    said = log_line(line("relay_refill_started", shard="0/1"))
    assert said is not None
    assert said.text == "the broker starts empty: filling it from the event store"


def test_a_line_of_a_library_is_passed_over() -> None:
    assert log_line(line("Unable to connect", level="error", logger="aiokafka.conn")) is None


def test_of_a_structured_traceback_the_error_is_told_once() -> None:
    frames = [{"exc_type": "KeyError", "exc_value": "'x'", "frames": [{"lineno": 1}]}, {"exc_type": "OSError"}]
    said = log_line(line("handler_failed", level="error", exception=frames))
    assert said is not None
    assert said.text == "handler_failed exception=KeyError: 'x'"
    said = log_line(line("process_failed", level="critical", error="KeyError: 'x'", exception=frames))
    assert said is not None
    assert said.text == "process_failed error=KeyError: 'x'"


def test_what_a_user_sent_cannot_steer_the_terminal() -> None:
    sent = "a\nb\x1b[2Jc\u202ed\u2028e"
    said = log_line(line("payment_accepted", payment_id=sent, amount_cents=1, currency="USD", user_id=sent))
    assert said is not None
    shown_as = r"a\nb\x1b[2Jc\u202ed\u2028e"
    assert (said.subject, said.text) == (f"payment {shown_as}", f"accepted: 0.01 USD from {shown_as}")


def test_a_time_that_is_not_one_is_left_open() -> None:
    said = log_line(line("relay_refill_started").replace("2026-11-22T12:00:00Z", "soon"))
    assert said is not None
    assert (said.at, said.time) == (0.0, "--:--:--")
