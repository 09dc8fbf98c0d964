"""Jinja templates: everything that is put into them is escaped, and what is missing is an error."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from back_office.office import office_of
from back_office.static.routes import address_of
from back_office.web.addresses import safe_next
from back_office.web.browsers import browser_words
from back_office.web.money import format_money, format_number
from back_office.web.visitor import Visitor
from back_office.web.words import (
    DIFFERENCES,
    actor_words,
    age_words,
    counted,
    dead_letter_words,
    difference_words,
    reason_words,
    task_status_words,
    words,
)

_READS = {"GET", "HEAD"}
_FOLDER = Path(__file__).parent.parent / "templates"


def moment(text: str | None) -> str:
    """Return an API's moment in UTC, with the zone said: a browser's own zone never comes into it."""
    if not text:
        return ""
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def moment_in(text: str | None, zone: ZoneInfo) -> str:
    """Return the same in the business zone, with the day where that is another one; nothing where the zone is UTC."""
    if not text or zone.key == "UTC":
        return ""
    utc = datetime.fromisoformat(text).astimezone(UTC)
    local = utc.astimezone(zone)
    form = "%H:%M %Z" if local.date() == utc.date() else "%Y-%m-%d %H:%M %Z"
    return f"{local:{form}}"


def dotted(text: str) -> Markup:
    """Return a name such as `payment.cancel_requested`, which may break after its dots and nowhere else."""
    return Markup(".<wbr>").join(text.split("."))


def unix_moment(seconds: int) -> str:
    """Return Stripe's seconds since 1970 in the same way."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "moment": moment,
        "moment_in": moment_in,
        "unix_moment": unix_moment,
        "words": words,
        "dotted": dotted,
        "actor": actor_words,
        "browser": browser_words,
        "age": age_words,
        "task_status": task_status_words,
        "reason": reason_words,
        "difference": difference_words,
        "dead_letter": dead_letter_words,
    }
    environment.globals |= {
        "counted": counted,
        "differences": DIFFERENCES,
        "money": format_money,
        "number": format_number,
        "static": address_of,
    }
    return environment


_ENVIRONMENT = _environment()


def _address(request: Request) -> str:
    """Return the address of the page, for a link to itself; of a form that was sent, that of the form.

    Of a path that nothing is at, a browser may read the beginning as another host.
    """
    query = request.url.query if request.method in _READS else ""
    return safe_next(f"{request.url.path}?{query}" if query else request.url.path)


def page(request: Request, template: str, visitor: Visitor | None, *, status: int = 200, **shown: Any) -> Response:
    """Return a page. `visitor` decides what its navigation offers; None: nobody is logged in."""
    done_before = visitor.take_notice() if visitor is not None and request.method != "HEAD" else ""
    text = _ENVIRONMENT.get_template(template).render(
        visitor=visitor,
        done_before=done_before,
        path=request.url.path,
        address=_address(request),
        zone=office_of(request).zone,
        **shown,
    )
    return HTMLResponse(text, status_code=status)
