"""Problems for requests that are refused before any route and before authentication: malformed, too large, too slow."""

from infra.http.problems import Problem


def malformed(detail: str = "The request is not well-formed HTTP/1.1.") -> Problem:
    """Return the 400 of a request that breaks HTTP's grammar or framing."""
    return Problem(400, "malformed_request", "Malformed request", detail)


def repeated_header(name: str) -> Problem:
    """Return the 400 of a repeated header that may occur once: which one counts would depend on the reader."""
    return malformed(f"The header {name} is there more than once.")


def header_with_underscore(name: str) -> Problem:
    """Return the 400 for one of our headers that is written with underscores, and would silently be ignored."""
    return malformed(f"The header {name} is written with underscores: write it with hyphens.")


def trailers() -> Problem:
    """Return the 400 for headers after the body: who reads them would trust what was not checked."""
    return malformed("The request has headers after its body (trailers), which are not taken.")


def no_host() -> Problem:
    """Return the 400 that HTTP/1.1 has for it: https://www.rfc-editor.org/rfc/rfc9112#section-3.2."""
    return malformed("The request has no Host header.")


def too_many_pipelined() -> Problem:
    """Return the 400 of a request on a connection where too many already wait for their answers."""
    return malformed("Too many requests were sent on one connection without waiting for answers.")


def url_too_long(max_bytes: int) -> Problem:
    """Return the 414."""
    return Problem(414, "url_too_long", "The URL is too long", f"A URL may have {max_bytes} bytes.")


def head_too_large(max_bytes: int, max_headers: int) -> Problem:
    """Return the 431 (https://www.rfc-editor.org/rfc/rfc6585#section-5)."""
    detail = f"Request line and headers may have {max_bytes} bytes together, and {max_headers} headers."
    return Problem(431, "headers_too_large", "The headers are too large", detail)


def unknown_coding() -> Problem:
    """Return the 501 that HTTP/1.1 has for it: https://www.rfc-editor.org/rfc/rfc9112#section-6.1."""
    detail = "Of transfer codings, only chunked is taken."
    return Problem(501, "transfer_coding_unsupported", "Transfer coding not supported", detail)


def unknown_version() -> Problem:
    """Return the 505."""
    detail = "HTTP/1.1 and HTTP/1.0 are spoken here."
    return Problem(505, "http_version_unsupported", "HTTP version not supported", detail)


def too_slow(part: str, timeout_s: float) -> Problem:
    """Return the 408 of a request whose head or body did not arrive in time."""
    detail = f"The request's {part} did not arrive within {timeout_s:g} s."
    return Problem(408, "request_timeout", "The request took too long to arrive", detail)


def too_many_connections() -> Problem:
    """Return the 503 of one connection too many, of the server or of an address."""
    detail = "There are too many connections. Use those that are open, or try again."
    return Problem(503, "too_many_connections", "Too many connections", detail, {"Retry-After": "1"})
