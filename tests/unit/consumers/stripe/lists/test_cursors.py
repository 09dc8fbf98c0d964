"""A listing goes from the newest row to the oldest; only its end moves the watermark."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from consumers.stripe.lists.cursors import Cursor

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
START = Cursor(
    revision=0,
    watermark=1000,
    listing_from=None,
    listing_after=None,
    listing_newest=None,
    listing_began_at=None,
    loaded_at=NOW,
)


def test_the_watermark_is_the_newest_row_of_a_listing_once_it_is_done() -> None:
    first = START.begun(900).after_page(last_id="txn_7", newest=1700, has_more=True)
    assert (first.watermark, first.listing_from, first.listing_after) == (1000, 900, "txn_7")
    done = first.after_page(last_id="txn_1", newest=1200, has_more=False)
    assert done == replace(START, watermark=1700)


def test_a_listing_that_was_cut_short_goes_on_with_its_own_bounds() -> None:
    cut_short = START.begun(900).after_page(last_id="txn_7", newest=1700, has_more=True)
    later = replace(cut_short, loaded_at=NOW + timedelta(hours=3))
    assert later.begun(850) == later
    assert later.listing_began_at == NOW, "what came after that, its first page did not have"


def test_a_listing_of_nothing_leaves_the_watermark_where_it_was() -> None:
    assert START.begun(900).after_page(last_id=None, newest=0, has_more=False) == START


def test_rows_of_the_overlap_alone_do_not_move_the_watermark_back() -> None:
    assert START.begun(900).after_page(last_id="txn_1", newest=950, has_more=False).watermark == 1000


def test_a_listing_that_ends_early_leaves_the_watermark_where_it_was() -> None:
    first = START.begun(900).after_page(last_id="txn_7", newest=1700, has_more=True)
    assert first.caught_up() == START


def test_a_restarted_listing_keeps_its_bounds_and_begins_at_the_newest_row() -> None:
    cut_short = START.begun(900).after_page(last_id="txn_7", newest=1700, has_more=True)
    again = cut_short.restarted()
    assert (again.listing_from, again.listing_after, again.listing_newest) == (900, None, 1700)


def test_no_listing_begins_before_time_did() -> None:
    assert START.begun(-50).listing_from == 0
