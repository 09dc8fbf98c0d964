from dataclasses import replace

from domain.ids import MerchantId
from event_store import owned_ids
from event_store.owned_ids import OwnedIds
from tests.support.log_entries import an_append

IDS = frozenset({"cus_1", "pm_1"})


def test_what_is_known_is_not_claimed_again() -> None:
    known, item = OwnedIds(), replace(an_append(), stripe_ids=IDS)
    assert known.without_known(item) is item
    known.learn(replace(item, stripe_ids=frozenset({"cus_1"})))
    assert known.without_known(item).stripe_ids == {"pm_1"}
    another = replace(item, merchant_id=MerchantId("another"))
    assert known.without_known(another) is another, "the database refuses it"
    known.clear()
    assert known.without_known(item) is item


def test_it_keeps_no_more_than_so_many() -> None:
    known = OwnedIds()
    for number in range(owned_ids._MOST + 5):
        known.learn(replace(an_append(), stripe_ids=frozenset({f"pm_{number}"})))
    assert len(known._owners) == owned_ids._MOST
    assert "pm_0" not in known._owners
