"""Forms as browsers send them without JavaScript: `application/x-www-form-urlencoded`, and small."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

_MAX_BYTES = 16 * 1024
_MAX_FIELDS = 30
_MEDIA_TYPE = "application/x-www-form-urlencoded"
_OURS = {"same-origin", "none"}
"""https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header"""


class FormRefused(Exception):
    """The form did not come from a page of this session, or is no form: nothing was done.

    `again` is the address of the form with what was written into it; empty: nobody knows what that was.
    """

    def __init__(self, reason: str, *, again: str = "") -> None:
        super().__init__(reason)
        self.again = again


class FormIncomplete(Exception):
    """A field lacks something, or has what cannot be. `mistakes` says what is wrong, by field."""

    def __init__(self, mistakes: Mapping[str, str]) -> None:
        super().__init__(", ".join(mistakes))
        self.mistakes = mistakes


def comes_from_here(request: Request) -> bool:
    """Whether no page of another site sent the browser, as far as it says so."""
    return request.headers.get("sec-fetch-site", "none") in _OURS


async def read_form(request: Request) -> Mapping[str, str]:
    """Return the fields of a form. Raises FormRefused."""
    if not comes_from_here(request):
        raise FormRefused("It came from another site.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _MEDIA_TYPE:
        raise FormRefused("It is not in the format of a form.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BYTES:
            raise FormRefused("It is too long.")
    try:
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=_MAX_FIELDS
        )
    except ValueError:
        raise FormRefused("It is not in the format of a form.") from None
    return dict(fields)
