"""Answers that the client has already."""


def matches(if_none_match: str | None, etag: str) -> bool:
    """Compare weakly, as RFC 9110 (13.1.2) says for GET."""
    if if_none_match is None:
        return False
    given = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in given or given == ["*"]
