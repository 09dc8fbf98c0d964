"""What is no HTTP that we take is refused with a problem, and no application sees it."""

import asyncio

import pytest

from tests.integration.infra.http.conftest import Server

pytestmark = [pytest.mark.integration, pytest.mark.slow]

POST = b"POST / HTTP/1.1\r\nHost: api\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"
WHOLE = POST + b"Content-Length: 2\r\n\r\n{}"
LAST = POST + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}"


async def test_what_is_well_formed_is_answered(server: Server) -> None:
    assert (await server.ask(WHOLE, LAST)).statuses == [200, 200]
    chunked = await server.ask(CHUNKED + b"Connection: close\r\n\r\n1\r\n{\r\n1;a=b\r\n}\r\n0\r\n\r\n")
    assert chunked.statuses == [200]
    assert chunked.raw.endswith(b"\r\n\r\n2")


async def test_head_has_the_length_of_what_get_would_answer_and_none_of_it(server: Server) -> None:
    answers = await server.ask(b"HEAD /large HTTP/1.1\r\nHost: api\r\n\r\n", LAST)
    assert answers.statuses == [200, 200]
    assert b"content-length: 8000000" in answers.raw.lower()
    assert len(answers.raw) < 2000


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"nonsense\r\n\r\n", id="no request line"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
        pytest.param(b"FETCH / HTTP/1.1\r\nHost: api\r\n\r\n", id="a method nobody knows"),
        pytest.param(b"GET /\xc3\xa9 HTTP/1.1\r\nHost: api\r\n\r\n", id="a URL that is not ASCII"),
        pytest.param(b"CONNECT api:80 HTTP/1.1\r\nHost: api\r\n\r\n", id="CONNECT"),
        pytest.param(b"GET / HTTP/1.1\nHost: api\n\n", id="no CR"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="no Host"),
        pytest.param(POST + b"X-Note: one\r\n two\r\n\r\n", id="a folded header"),
        pytest.param(POST + b"X-Note : one\r\n\r\n", id="a space before the colon"),
        pytest.param(POST + b"X-Note: a\0b\r\n\r\n", id="NUL in a header"),
        pytest.param(POST + b": one\r\n\r\n", id="a header without a name"),
        pytest.param(POST + b"Content-Length: +2\r\n\r\n{}", id="a length with a sign"),
        pytest.param(POST + b"Content-Length: 99999999999999999999\r\n\r\n{}", id="a length without end"),
        pytest.param(POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="length, coding"),
        pytest.param(CHUNKED + b"Content-Length: 2\r\n\r\n0\r\n\r\n", id="coding, length"),
        pytest.param(CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="chunked twice"),
        pytest.param(CHUNKED + b"\r\n0x1\r\na\r\n0\r\n\r\n", id="a chunk's size that is none"),
        pytest.param(CHUNKED + b"\r\n1\na\n0\n\n", id="chunks without CR"),
        pytest.param(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="chunked in HTTP/1.0"),
    ],
)
async def test_malformed_requests_get_a_problem(server: Server, sent: bytes) -> None:
    answer = await server.ask(sent)
    assert answer.statuses == [400]
    assert answer.problem["code"] == "malformed_request"


@pytest.mark.parametrize(
    "name",
    [
        *("Authorization", "Idempotency-Key", "Stripe-Signature", "Content-Type", "Content-Encoding", "Host"),
        *("Content-Length", "Paystream-Min-Position"),
    ],
)
async def test_a_repeated_header_is_refused(server: Server, name: str) -> None:
    header = f"{name}: 2\r\n{name.lower()}: 2\r\n".encode()
    answer = await server.ask(b"POST / HTTP/1.1\r\n" + header + b"\r\n{}")
    assert (answer.statuses, answer.problem["code"]) == ([400], "malformed_request")


@pytest.mark.parametrize("name", ["Idempotency_Key", "Stripe_Signature", "content_length", "Transfer_Encoding"])
async def test_a_header_with_underscores_is_not_passed_over(server: Server, name: str) -> None:
    answer = await server.ask(POST + f"{name}: 2\r\n\r\n".encode())
    assert answer.problem["code"] == "malformed_request"
    assert name.lower() in str(answer.problem["detail"])


@pytest.mark.parametrize("name", ["Authorization", "Idempotency-Key", "Stripe-Signature", "Connection", "X-Note"])
async def test_trailers_are_refused(server: Server, name: str) -> None:
    answer = await server.ask(CHUNKED + f"\r\n2\r\n{{}}\r\n0\r\n{name}: value\r\n\r\n".encode())
    assert (answer.statuses, answer.problem["code"]) == ([400], "malformed_request")
    assert "trailers" in str(answer.problem["detail"])


async def test_an_unknown_transfer_coding_is_refused(server: Server) -> None:
    answer = await server.ask(POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")
    assert (answer.statuses, answer.problem["code"]) == ([501], "transfer_coding_unsupported")


@pytest.mark.parametrize("line", [b"GET / HTTP/2.0", b"GET /"])
async def test_another_version_is_refused(server: Server, line: bytes) -> None:
    answer = await server.ask(line + b"\r\nHost: api\r\n\r\n" if b"HTTP" in line else line + b"\r\n\r\n")
    assert (answer.statuses, answer.problem["code"]) == ([505], "http_version_unsupported")


UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk\r\nUpgrade: h2c\r\n"
"""As Java's client sends with each request to an address without TLS."""


@pytest.mark.parametrize("at_a_time", [1, 7, 1000])
async def test_an_upgrade_to_another_protocol_does_not_swallow_the_body(server: Server, at_a_time: int) -> None:
    sent = POST + UPGRADE + b"Content-Length: 2\r\n\r\n{}"
    sent += CHUNKED + UPGRADE + b"\r\n3\r\n{ }\r\n0\r\n\r\n"
    sent += POST + b"Connection: close, upgrade\r\nUpgrade: h2c\r\nContent-Length: 4\r\n\r\n{  }"
    answer = await server.ask(*(sent[at : at + at_a_time] for at in range(0, len(sent), at_a_time)))
    assert answer.statuses == [200, 200, 200]
    bodies = [part.partition(b"\r\n\r\n")[2] for part in answer.raw.split(b"HTTP/1.1 200")[1:]]
    assert bodies == [b"2", b"3", b"4"]


async def test_a_body_behind_such_an_upgrade_is_bounded_as_any_other(server: Server) -> None:
    answer = await server.ask(POST + UPGRADE + b"Authorization: a\r\nAuthorization: b\r\nContent-Length: 2\r\n\r\n{}")
    assert (answer.statuses, answer.problem["code"]) == ([400], "malformed_request")
    answer = await server.ask(CHUNKED + UPGRADE + b"\r\n2\r\n{}\r\n0\r\nAuthorization: a\r\n\r\n")
    assert (answer.statuses, answer.problem["code"]) == ([400], "malformed_request")


async def test_an_upgrade_without_a_body_is_passed_over(server: Server) -> None:
    sent = b"GET /go HTTP/1.1\r\nHost: api\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
    assert (await server.ask(sent + sent, sent + LAST)).statuses == [200, 200, 200, 200]
    assert (await server.ask(*(sent[at : at + 1] for at in range(len(sent))), LAST)).statuses == [200, 200]


async def test_a_refusal_comes_after_the_answers_before_it(server: Server) -> None:
    slow = await server.connect()
    await slow.send(b"GET /slow HTTP/1.1\r\nHost: api\r\n\r\nnonsense\r\n\r\n")
    assert (await server.ask(b"GET /go HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n")).statuses == [200]
    answer = await slow.ask()
    assert answer.statuses == [200, 400]
    assert answer.raw.index(b'"slow"') < answer.raw.index(b"malformed_request")


async def test_a_refused_body_ends_no_request_before_it(server: Server) -> None:
    slow = await server.connect()
    await slow.send(b"GET /slow HTTP/1.1\r\nHost: api\r\n\r\n" + CHUNKED + b"\r\n2\r\n{}\r\n0\r\nX-Note: a\r\n\r\n")
    assert (await server.ask(b"GET /go HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n")).statuses == [200]
    answer = await slow.ask()
    assert (answer.statuses, answer.problem["code"]) == ([200, 400], "malformed_request")


async def test_pipelined_requests_are_bounded(server: Server) -> None:
    slow = await server.connect()
    await slow.send(b"GET /slow HTTP/1.1\r\nHost: api\r\n\r\n" * 5_000)
    assert (await server.ask(b"GET /go HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n")).statuses == [200]
    answer = await slow.ask()
    assert 10 < len(answer.statuses) < 30
    assert set(answer.statuses[:-1]) == {200}
    assert answer.problem["code"] == "malformed_request"


async def test_refusals_are_counted(server: Server) -> None:
    await asyncio.gather(*(server.ask(b"nonsense\r\n\r\n") for _ in range(3)))
    shown = await server.ask(b"GET /metrics HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n")
    assert b'http_requests_refused_total{code="malformed_request"} 3.0' in shown.raw
