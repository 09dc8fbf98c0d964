"""What the head of a request may be: the rules alone, without a connection."""

import pytest

from infra.http.limits import HttpLimits
from infra.http.request_head import Headers, HeadRefused, check_head, head_too_large, head_without_upgrade

LIMITS = HttpLimits(max_url_bytes=20, max_headers=3)
HOST = (b"host", b"shop.example")


@pytest.mark.parametrize(
    ("headers", "has_body"),
    [
        ([HOST], False),
        ([HOST, (b"content-length", b"0")], False),
        ([HOST, (b"content-length", b"2")], True),
        ([HOST, (b"transfer-encoding", b"chunked")], True),
    ],
)
def test_a_head_says_whether_a_body_follows(headers: Headers, has_body: bool) -> None:
    assert check_head("1.1", b"/payments", headers, LIMITS) is has_body


@pytest.mark.parametrize(
    ("version", "url", "headers", "status"),
    [
        ("1.1", b"/", [], 400),
        ("0.9", b"/", [HOST], 505),
        ("1.0", b"/", [(b"transfer-encoding", b"chunked")], 400),
        ("1.1", b"/", [HOST, (b"transfer-encoding", b"gzip, chunked")], 501),
        ("1.1", b"/", [HOST, (b"content-length", b"1"), (b"content-length", b"2")], 400),
        ("1.1", b"/", [HOST, (b"idempotency_key", b"k")], 400),
        ("1.1", b"/" * 21, [HOST], 414),
        ("1.1", b"/", [HOST, (b"a", b""), (b"b", b""), (b"c", b"")], 431),
    ],
)
def test_a_head_that_could_be_read_in_two_ways_or_is_too_large_is_refused(
    version: str, url: bytes, headers: Headers, status: int
) -> None:
    with pytest.raises(HeadRefused) as refused:
        check_head(version, url, headers, LIMITS)
    assert refused.value.problem.status == status


def test_of_a_head_that_is_too_large_the_url_is_named_if_it_is_the_url() -> None:
    assert head_too_large(b"/" * 21, [], LIMITS).status == 414
    assert head_too_large(b"/" * 21, [HOST], LIMITS).status == 431


def test_a_request_for_another_protocol_is_taken_out_and_the_rest_stays() -> None:
    headers = [HOST, (b"connection", b"Upgrade, keep-alive, HTTP2-Settings"), (b"upgrade", b"h2c")]
    assert head_without_upgrade(b"POST", b"/payments", "1.1", headers) == (
        b"POST /payments HTTP/1.1\r\nhost: shop.example\r\nconnection:  keep-alive\r\n\r\n"
    )
