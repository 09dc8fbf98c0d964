"""What browsers are told: that an answer is data for the one who asked, and which pages may ask.

The sources are https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers and
https://fetch.spec.whatwg.org/#http-cors-protocol. Strict-Transport-Security is for what ends TLS in front of us.
"""

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from infra.http.position_tokens import POSITION_TOKEN

RawHeaders = list[tuple[bytes, bytes]]

SECURITY_HEADERS: RawHeaders = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]
"""Of every answer that does not say otherwise itself, as the pages of the documentation do."""

_REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "Paystream-Min-Position",
    POSITION_TOKEN,
    "Prefer",
    "traceparent",
    "X-Correlation-ID",
    "X-Request-ID",
)
_ANSWER_HEADERS = (
    "Idempotency-Key",
    "Idempotent-Replayed",
    "Location",
    "Paystream-Position",
    POSITION_TOKEN,
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Correlation-ID",
    "X-Request-ID",
)
_PREFLIGHT_FOR_S = 600


def add_security_headers(headers: RawHeaders) -> None:
    """Add those that an answer does not have."""
    there = {name for name, _ in headers}
    headers.extend(each for each in SECURITY_HEADERS if each[0] not in there)


def allow_origins(app: FastAPI, origins: Sequence[str]) -> None:
    """Let pages of these origins call the API with a key. No cookie is ever looked at."""
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "HEAD", "POST"],
            allow_headers=_REQUEST_HEADERS,
            expose_headers=_ANSWER_HEADERS,
            max_age=_PREFLIGHT_FOR_S,
        )
