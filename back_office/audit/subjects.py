"""Where a thing that an event is about has its page."""

from collections.abc import Mapping

from back_office.web.addresses import segment

_PAGES: Mapping[str, str] = {"payment": "/payments", "split-payment": "/sagas", "webhook-endpoint": "/webhooks"}


def address_of(category: str, stream_id: str) -> str | None:
    """Return the page of an event's stream; None where there is none."""
    page = _PAGES.get(category)
    return None if page is None else f"{page}/{segment(stream_id)}"
