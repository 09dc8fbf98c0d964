"""The event catalogue in docs/events.md."""

from schemas.events import EVENT_TYPES
from schemas.export.catalogue import FILE, event_catalogue


def test_the_page_is_what_the_registry_says() -> None:
    assert FILE.read_text("utf-8") == event_catalogue(), "run: make events"


def test_every_event_says_what_it_means() -> None:
    page = event_catalogue()
    for event_type in EVENT_TYPES:
        _, _, entry = page.partition(f"### `{event_type.name}`\n\n")
        assert len(entry.partition("\n")[0]) > len("It."), event_type.name
