"""The answers that are errors, as OpenAPI responses: of each status, when which code is answered."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.http.problems import MEDIA_TYPE

PROBLEM = "ProblemBody"
"""The component that is the body of every error."""
PROBLEM_CODE = "ProblemCode"
GENERAL_CODES = frozenset(
    {
        *("not_found", "method_not_allowed", "internal_error"),
        *("malformed_request", "url_too_long", "headers_too_large", "request_timeout", "too_many_connections"),
        *("transfer_coding_unsupported", "http_version_unsupported"),
    }
)
"""Codes of answers that belong to no operation, or to all of them."""

_RETRY_AFTER = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 0}}}
# https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
_RATE_LIMIT = {
    "RateLimit": {
        "description": "What is left (r), and in how many seconds all of it is there again (t).",
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": "How many requests (q) in how many seconds (w) an API key may make of these routes.",
        "schema": {"type": "string"},
    },
}
_TOO_MANY = 429
_ASK_AGAIN = frozenset({409, _TOO_MANY, 503})
RATE_LIMITED = {"rate_limited": "The API key made too many requests, and nothing was done"}
"""Of every operation that needs an API key, as 429."""


def reference(component: str) -> dict[str, str]:
    """Return a reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{component}"}


def described_errors(codes: Mapping[int, Mapping[str, str]]) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of errors: of each status, when which code is answered."""
    return {status: _response(status, by_code) for status, by_code in sorted(codes.items())}


def problem_codes(document: Mapping[str, Any]) -> set[str]:
    """Return the codes of all errors that a document describes, and those that any request can be answered."""
    return set(GENERAL_CODES) | set(_examples(document["paths"]))


def _response(status: int, by_code: Mapping[str, str]) -> dict[str, Any]:
    examples = {
        code: {
            "summary": meaning,
            "value": {"type": f"urn:paystream:problem:{code}", "title": meaning, "status": status, "code": code},
        }
        for code, meaning in by_code.items()
    }
    response: dict[str, Any] = {
        "description": "; ".join(f"`{code}`: {meaning}" for code, meaning in by_code.items()),
        "content": {MEDIA_TYPE: {"schema": reference(PROBLEM), "examples": examples}},
    }
    headers = (_RETRY_AFTER if status in _ASK_AGAIN else {}) | (_RATE_LIMIT if status == _TOO_MANY else {})
    return response | ({"headers": headers} if headers else {})


def _examples(paths: Mapping[str, Any]) -> Iterator[str]:
    for operations in paths.values():
        for operation in operations.values():
            for response in operation["responses"].values():
                yield from response.get("content", {}).get(MEDIA_TYPE, {}).get("examples", ())
