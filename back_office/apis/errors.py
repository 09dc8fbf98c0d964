"""What can go wrong when an API is asked. A page says of each what to do."""

from typing import Any

Json = dict[str, Any]


class ApiError(Exception):
    """Root of these errors. `api` is what people call it: `query API`."""

    def __init__(self, api: str, text: str) -> None:
        super().__init__(f"{api}: {text}")
        self.api = api


class ApiAway(ApiError):
    """It did not answer, or not within the time: of a command, it is not known whether it was recorded."""


class ApiRefused(ApiError):
    """It answered with a problem (RFC 9457)."""

    def __init__(self, api: str, status: int, problem: Json, retry_after_s: float | None = None) -> None:
        super().__init__(api, f"{status} {problem.get('code', '')}")
        self.status = status
        self.code = str(problem.get("code") or "")
        self.title = str(problem.get("title") or "")
        self.detail = str(problem.get("detail") or self.title)
        self.members = problem
        self.retry_after_s = retry_after_s
