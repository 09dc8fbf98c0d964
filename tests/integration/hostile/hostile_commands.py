"""Well-formed commands that make no sense, or attack by what they ask for."""

from collections.abc import Iterator
from typing import Any

import orjson

from tests.integration.hostile.hostile_request import AUTHORIZED, JSON, HostileRequest, routes, target_of

Json = dict[str, Any]

_AMOUNTS = (
    *(("USD", 1), ("USD", 49), ("usd", 100_000_000), ("JPY", 49), ("JPY", 999_999_999_999), ("KWD", 1001)),
    *(("ISK", 150), ("UGX", 1), ("GBP", 29), ("EUR", 1), ("XXX", 1000), ("XTS", 1000), ("XAU", 1000), ("BTC", 1000)),
    *(("ZZZ", 1000), ("AAA", 1000), ("SUR", 1000), ("DEM", 1000)),
)
_PAYMENT: Json = {"user_id": "user_1", "amount_cents": 1000, "currency": "USD"}
_SENSELESS: tuple[tuple[str, Json], ...] = (
    ("a confirmation without a method", {"confirm": True}),
    ("an e-mail address for a user", {"user_id": "anna@example.org"}),
    ("a user of blanks", {"user_id": " \t "}),
    ("a user of NUL", {"user_id": "\x00"}),
    ("a suffix without letters", {"statement_descriptor_suffix": "123"}),
    ("a suffix with what banks refuse", {"statement_descriptor_suffix": "SHOP<*>"}),
    ("a reserved name", {"metadata": {"paystream_id": "x"}}),
    ("a name in brackets", {"metadata": {"a[b]": "x"}}),
    ("an empty name", {"metadata": {"": "x"}}),
    ("a long name", {"metadata": {"n" * 41: "x"}}),
    ("a long value", {"metadata": {"n": "x" * 501}}),
    ("too many notes", {"metadata": {f"n{each}": "x" for each in range(49)}}),
    ("NUL in a name", {"metadata": {"a\x00": "x"}}),
    ("a method that is a path", {"payment_method": "../pm_card_visa"}),
    ("a customer that is a query", {"customer": "cus_1?expand[]=sources"}),
)
_URLS = (
    *("", " ", "shop.example", "//shop.example", "ftp://shop.example", "file:///etc/passwd", "gopher://a:70/_"),
    *("javascript:alert(1)", "data:text/plain,a", "https://", "https:///a", "https://user:pw@shop.example/a"),
    *("http://localhost/", "https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f.1/"),
    *("https://0177.0.0.1/", "https://0/", "https://0.0.0.0/", "https://[::1]/", "https://[::]/"),
    *("https://[::ffff:127.0.0.1]/", "https://[fe80::1]/", "https://[fd00::1]/", "https://10.0.0.1/"),
    *("https://172.16.0.1/", "https://192.168.1.1/", "https://169.254.169.254/latest/meta-data/"),
    *("https://[64:ff9b::7f00:1]/", "https://100.64.0.1/", "https://224.0.0.1/", "https://255.255.255.255/"),
    *("https://shop.example:0/", "https://shop.example:99999/", "https://shop.example:-1/", "https://shop .example/"),
    *("https://shop.example/\x00", "https://shop.example/\r\nHost: a", "https://shop.example/#a", "https://a\\@b/"),
    *("https://\u2460\u2461\u2466.0.0.1/", "https://" + "a" * 300 + ".example/", "https://[/", "https://%00.example/"),
    "https://shop.example/" + "a" * 2_000,
)
_EVENT_TYPES: tuple[Any, ...] = (
    *(["payment.unknown"], ["*"], [""], ["payment.succeeded", "payment.succeeded"], ["payment.succeeded\x00"]),
    *(["PAYMENT.SUCCEEDED"], ["payment.%"], ["stripe_event.received"], "payment.succeeded", [None], [["a"]]),
)


def hostile_commands(ids: dict[str, str], *, used_key: str) -> Iterator[HostileRequest]:
    """Yield commands; `used_key` is the idempotency key that the payment was created with.

    The payment and the split payment are pending: Stripe was never command.
    """
    for currency, amount in _AMOUNTS:
        yield _command("/payments", f"{amount} {currency}", _PAYMENT | {"currency": currency, "amount_cents": amount})
        legs = [{"amount_cents": amount, "payment_method": "pm_card_visa"}] * 2
        split = {"user_id": "user_1", "currency": currency, "legs": legs}
        yield _command("/split-payments", f"legs of {amount} {currency}", split)
    for reason, changes in _SENSELESS:
        yield _command("/payments", reason, _PAYMENT | changes)
    legs = [{"amount_cents": 500, "payment_method": "pm_card_visa"}]
    for number in (0, 1, 1_000):
        yield _command("/split-payments", f"{number} legs", {"user_id": "u", "currency": "USD", "legs": legs * number})
    for path, body in (
        ("/payments/{payment_id}/capture", {}),
        ("/payments/{payment_id}/capture", {"amount_cents": 500, "reason": "sent"}),
        ("/payments/{payment_id}/refund", {}),
        ("/payments/{payment_id}/refund", {"amount_cents": 999_999_999_999}),
        ("/split-payments/{split_payment_id}/refund", {}),
        ("/split-payments/{split_payment_id}/refund", {"amount_cents": 1}),
    ):
        yield _command(path, f"not now: {body}", body, ids)
    yield from _with_used_key(ids, used_key)
    yield from _of_webhook_endpoints(ids)
    for date in ("1970-01-01", "2010-12-31", "9999-12-31", "2999-01-01", "2026-02-30", "2026-5-1", "20260501"):
        yield _command("/reconciliations", f"a day of {date}", {"date": date})


def _with_used_key(ids: dict[str, str], used_key: str) -> Iterator[HostileRequest]:
    legs = [{"amount_cents": 500, "payment_method": "pm_card_visa"}] * 2
    spellings = (used_key, f'"{used_key}"', f" {used_key} ")
    for path, body in (
        ("/payments", _PAYMENT | {"amount_cents": 999}),
        ("/payments", _PAYMENT | {"user_id": "user_2"}),
        ("/payments", _PAYMENT | {"metadata": {"a": "b"}}),
        ("/payments/{payment_id}/cancel", {}),
        ("/payments/{payment_id}/confirm", {}),
        ("/payments/{payment_id}/refund", {}),
        ("/split-payments", {"user_id": "user_1", "currency": "USD", "legs": legs}),
        ("/split-payments/{split_payment_id}/cancel", {}),
    ):
        for spelt in spellings:
            command = _command(path, f"a key of another request, {spelt!r}", body, ids)
            yield command.but(command.reason, headers=(*command.headers, (b"Idempotency-Key", spelt.encode())))


def _of_webhook_endpoints(ids: dict[str, str]) -> Iterator[HostileRequest]:
    one = "/webhook-endpoints/{endpoint_id}"
    for url in _URLS:
        yield _command("/webhook-endpoints", f"URL {url[:40]!r}", {"url": url})
        yield _command(one, f"URL {url[:40]!r}", {"url": url}, ids, method="PATCH")
    for types in _EVENT_TYPES:
        body = {"url": "https://other.example/", "event_types": types}
        yield _command("/webhook-endpoints", f"event types {types}", body)
        yield _command(one, f"event types {types}", {"event_types": types}, ids, method="PATCH")
    for body in (
        {"from": "2026-05-02T00:00:00Z", "to": "2026-05-01T00:00:00Z"},
        {"from": "2999-01-01T00:00:00Z", "to": "2999-01-02T00:00:00Z"},
        {"from": "now", "to": "then"},
        {},
    ):
        yield _command(one + "/replays", f"a replay of {body}", body, ids)
    yield _command(one, "a URL that another endpoint has", {"url": "https://second.example/"}, ids, method="PATCH")
    yield _command("/webhook-endpoints", "a URL that an endpoint has", {"url": "https://first.example/"})


def _command(
    path: str, reason: str, body: Json, ids: dict[str, str] | None = None, method: str = "POST"
) -> HostileRequest:
    (route,) = (each for each in routes("command-api") if (each.method, each.path) == (method, path))
    return HostileRequest(
        reason=reason,
        route=route,
        target=target_of(route, ids or {}),
        headers=(AUTHORIZED, JSON),
        body=orjson.dumps(body),
    )
