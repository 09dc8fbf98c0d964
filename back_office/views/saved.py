"""Views that were saved, out of a cookie and into one. What comes out of it is as untrusted as an address is."""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

import orjson

from back_office.payments.filters import PaymentFilters

MOST = 12
_MAX_NAME_CHARS = 40
_MAX_COOKIE_BYTES = 3500
_MAX_FIELDS = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A name and the query of an address. `own`: somebody saved it, and may forget it."""

    name: str
    query: str
    own: bool = True

    @property
    def filters(self) -> PaymentFilters:
        """Return what it shows."""
        return filters_of(self.query)


OURS = tuple(
    View(name=name, query=query, own=False)
    for name, query in (
        ("Held, not captured", "status=requires_capture"),
        ("Wait for the customer", "status=requires_action"),
        ("Ever disputed", "disputed=true"),
        ("Contradicted by Stripe", "contradicted=true"),
    )
)


class NotSaved(ValueError):
    """It cannot be saved; the text says why."""


def filters_of(query: str) -> PaymentFilters:
    """Return the filters of an address, but for its page."""
    pairs = parse_qsl(query[:2000], max_num_fields=_MAX_FIELDS)
    given: dict[str, object] = {name: value for name, value in pairs if name not in {"cursor", "columns"}}
    return PaymentFilters.model_validate(given | {"columns": [value for name, value in pairs if name == "columns"]})


def cookie_of(staff: str) -> str:
    """Return the name of the cookie: of several people at one browser, each has their own views."""
    return f"paystream_views_{hashlib.sha256(staff.encode()).hexdigest()[:12]}"


def read(cookie: str) -> list[View]:
    """Return the views of a cookie; none of one that is not understood."""
    try:
        found = orjson.loads(urlsafe_b64decode(cookie.encode("ascii")))
        views = [View(name=str(name)[:_MAX_NAME_CHARS], query=_clean(str(query))) for name, query in found]
    except (ValueError, TypeError):
        return []
    return views[:MOST]


def with_view(views: list[View], name: str, query: str) -> list[View]:
    """Return the views with one more; one of the same name is replaced. Raises NotSaved."""
    name = name.strip()
    if not 0 < len(name) <= _MAX_NAME_CHARS:
        raise NotSaved(f"A view needs a name of at most {_MAX_NAME_CHARS} characters.")
    saved = [*(each for each in views if each.name != name), View(name=name, query=_clean(query))]
    if len(saved) > MOST or len(write(saved)) > _MAX_COOKIE_BYTES:
        raise NotSaved("No more views can be kept: forget one first.")
    return saved


def write(views: list[View]) -> str:
    """Return the cookie's value."""
    return urlsafe_b64encode(orjson.dumps([[each.name, each.query] for each in views])).decode()


def _clean(query: str) -> str:
    try:
        return urlencode(filters_of(query).given())
    except ValueError:
        return ""
