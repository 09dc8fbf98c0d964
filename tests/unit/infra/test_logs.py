import io
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import UUID

import pytest
import structlog

from domain.ids import PaymentId
from infra.logs import bind_context, bound_context, configure_logging

CARD = "4242424242424242"
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    before = structlog.get_config()
    stream = io.BytesIO()
    configure_logging("relay", "INFO", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    structlog.configure(**before)
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_holds_its_fields_and_the_four_ids_always(lines: Lines) -> None:
    structlog.get_logger().info("payment_accepted", amount_cents=1000)

    (line,) = lines()
    assert list(line) == [
        "timestamp",
        "level",
        "event",
        "service",
        "request_id",
        "correlation_id",
        "user_id",
        "payment_id",
        "amount_cents",
    ]
    assert line["timestamp"].endswith("Z")
    assert (line["level"], line["event"], line["service"]) == ("info", "payment_accepted", "relay")
    assert (line["request_id"], line["payment_id"], line["amount_cents"]) == (None, None, 1000)


def test_bound_ids_end_with_their_block(lines: Lines) -> None:
    log = structlog.get_logger()
    with bound_context(request_id="r1", payment_id=None):
        bind_context(payment_id="p1")
        log.info("within")
    log.info("after")

    within, after = lines()
    assert (within["request_id"], within["payment_id"]) == ("r1", "p1")
    assert (after["request_id"], after["payment_id"]) == (None, None)


def test_levels_below_the_configured_one_are_dropped(lines: Lines) -> None:
    structlog.get_logger().debug("unseen")
    logging.getLogger("aiokafka").debug("unseen")
    logging.getLogger("httpx").info("HTTP Request: POST ...")

    assert lines() == []


def test_the_standard_library_logs_through_the_same_lines(lines: Lines) -> None:
    with bound_context(correlation_id="c1"):
        logging.getLogger("aiokafka.client").error("cannot reach %s", "broker:9092")

    (line,) = lines()
    assert line["event"] == "cannot reach broker:9092"
    assert (line["level"], line["logger"], line["correlation_id"]) == ("error", "aiokafka.client", "c1")


def test_a_library_that_repeats_a_warning_is_heard_once(lines: Lines) -> None:
    for port in range(100):
        logging.getLogger("aiokafka").warning("cannot reach %s", port)

    assert [line["event"] for line in lines()] == ["cannot reach 0"]


@pytest.mark.parametrize(
    "key",
    ["authorization", "Authorization", "client_secret", "password", "api_key", "stripe_secret_key", "card_number"],
)
def test_values_of_secret_looking_keys_are_masked(lines: Lines, key: str) -> None:
    structlog.get_logger().info("request", **{key: "hunter2"}, headers={key: "hunter2", "accept": "*/*"})

    (line,) = lines()
    assert line[key] == "***"
    assert line["headers"] == {key: "***", "accept": "*/*"}


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"number {CARD}.", "number ***."),
        ("4242 4242 4242 4242", "***"),
        ("4242-4242-4242-4242", "***"),
        ("3782 822463 10005", "***"),
        (f"cc_{CARD}", "cc_***"),
        ("postgresql://app:hunter2@db:5432/x", "postgresql://app:***@db:5432/x"),
        ("postgresql://app:p@ss@db/x", "postgresql://app:***@db/x"),
        ("redis://:hunter2@cache:6379", "redis://:***@cache:6379"),
        ("header was Bearer abc.def", "header was Bearer ***"),
        ("with sk_live_abc123 and whsec_abc123", "with sk_live_*** and whsec_***"),
        ("pi_3abc_secret_def456", "pi_3abc_secret_***"),
    ],
)
def test_secrets_and_card_numbers_within_text_are_masked(lines: Lines, text: str, masked: str) -> None:
    structlog.get_logger().info("said", text=text, nested={"deep": [text]}, error=ValueError(text))

    (line,) = lines()
    assert line["text"] == masked
    assert line["nested"] == {"deep": [masked]}
    assert line["error"] == f"ValueError({masked!r})"


@pytest.mark.parametrize(
    "value",
    [
        "4242424242424241",  # fails the Luhn check
        "42424242424242424242",  # 20 digits
        "12345678-1234-1234-1234-123456789012",
        "42424242-4242-4242-4242-424242424242",
        "0af7651916cd43dd8448eb211c80319c",
        "2026-11-22T19:47:00.123456Z",
        "https://example.org/a@b",
        1763840820123,
        1_763_840_820_123_456,
        10**30,
        True,
        2.5,
    ],
)
def test_what_is_no_card_number_stays(lines: Lines, value: object) -> None:
    structlog.get_logger().info("said", value=value)

    assert lines()[0]["value"] == value


def test_a_member_of_an_enumeration_of_integers_is_looked_at_as_quickly(lines: Lines) -> None:
    """It is an int, and no plain one: whether it lies in a range, Python finds out by counting."""
    structlog.get_logger().info("said", value=HTTPStatus.UNPROCESSABLE_ENTITY)

    assert lines()[0]["value"] == HTTPStatus.UNPROCESSABLE_ENTITY


def test_a_card_number_as_integer_is_masked(lines: Lines) -> None:
    structlog.get_logger().info("said", value=int(CARD))

    assert lines()[0]["value"] == "***"


@dataclass
class CardDetails:
    number: str


def test_the_fields_of_an_object_are_masked_like_any_text(lines: Lines) -> None:
    structlog.get_logger().info("said", card=CardDetails(CARD), raw=CARD.encode())

    (line,) = lines()
    assert line["card"] == "CardDetails(number='***')"
    assert line["raw"] == "b'***'"


def fail_with(secret: str) -> None:
    local = secret
    raise ValueError(f"could not charge {CARD}" + local[:0])


def test_an_exception_is_structured_without_locals_or_card_numbers(lines: Lines) -> None:
    try:
        fail_with("hunter2")
    except ValueError:
        structlog.get_logger().exception("unexpected_error")
        logging.getLogger("library").exception("failed")

    for line in lines():
        (raised,) = line["exception"]
        assert (raised["exc_type"], raised["exc_value"]) == ("ValueError", "could not charge ***")
        assert raised["frames"][-1]["name"] == "fail_with"
        assert "hunter2" not in json.dumps(line)


def test_a_line_is_written_whatever_a_value_is(lines: Lines) -> None:
    payment_id = PaymentId(UUID(int=7))
    endless: dict[str, object] = {}
    endless["self"] = endless

    class Unprintable:
        def __repr__(self) -> str:
            raise ValueError

    structlog.get_logger().info("odd", lone="\ud800", payment_id=payment_id, thing=object, keys={payment_id: 1})
    structlog.get_logger().info("plain", payment_id=payment_id, many={1, 2})
    structlog.get_logger().info("last", endless=endless, unprintable=Unprintable())

    odd, plain, last = lines()
    assert last["unprintable"] == "<Unprintable>"
    assert odd["event"] == "odd"
    assert plain["payment_id"] == str(payment_id)
    assert plain["many"] == "{1, 2}"


def test_a_line_break_in_a_value_does_not_forge_a_line(lines: Lines) -> None:
    structlog.get_logger().info("said", text='x\n{"event":"payment_accepted"}')

    assert [line["event"] for line in lines()] == ["said"]


class ClosedPipe(io.RawIOBase):
    def write(self, _: object) -> int:
        raise BrokenPipeError


def test_a_reader_that_went_away_breaks_nothing(lines: Lines) -> None:
    del lines
    configure_logging("relay", "INFO", ClosedPipe())  # type: ignore[arg-type]  # BinaryIO is no class to derive from
    structlog.get_logger().info("unread")
