"""The ids of Stripe that this process knows to be a merchant's: they stay so, and need not be claimed again."""

from dataclasses import replace

from domain.ids import MerchantId
from event_store.appends import Append

_MOST = 20_000


class OwnedIds:
    """Forgets those that it learned first."""

    def __init__(self) -> None:
        self._owners: dict[str, MerchantId] = {}

    def without_known(self, item: Append) -> Append:
        """Return the append without the ids that are known to be its merchant's."""
        unknown = frozenset(each for each in item.stripe_ids if self._owners.get(each) != item.merchant_id)
        return item if len(unknown) == len(item.stripe_ids) else replace(item, stripe_ids=unknown)

    def learn(self, item: Append) -> None:
        """Note that an append was made, so that what it names is its merchant's."""
        for each in item.stripe_ids:
            self._owners[each] = item.merchant_id
        while len(self._owners) > _MOST:
            del self._owners[next(iter(self._owners))]

    def clear(self) -> None:
        """Forget all: the log lost commits, and what is known may be among them."""
        self._owners.clear()
