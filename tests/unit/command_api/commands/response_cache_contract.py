"""What every implementation of the command API's protocols must do, in memory or for real."""

from abc import ABC, abstractmethod

from command_api.commands.response_cache import InFlight, KeyClaim, ResponseCache
from domain.ids import MerchantId
from event_store.appends import StoredResponse
from tests.support.log_entries import MERCHANT

RESPONSE = StoredResponse(fingerprint="f", status=201, response=b'{"id":"1"}', position=7)


class ResponseCacheContract(ABC):
    @abstractmethod
    def cache(self) -> ResponseCache:
        """Return an empty one."""

    async def test_a_key_is_claimed_once_until_it_is_released(self) -> None:
        cache = self.cache()
        claim = await cache.claim(MERCHANT, "k-1")
        assert isinstance(claim, KeyClaim)
        assert claim.token is not None
        assert await cache.claim(MERCHANT, "k-1") == InFlight()
        assert isinstance(await cache.claim(MerchantId("other"), "k-1"), KeyClaim)
        await cache.release(claim)
        assert isinstance(await cache.claim(MERCHANT, "k-1"), KeyClaim)

    async def test_only_the_holder_releases(self) -> None:
        cache = self.cache()
        claim = await cache.claim(MERCHANT, "k-1")
        assert isinstance(claim, KeyClaim)
        await cache.release(KeyClaim(name=claim.name, token=b"?another"))
        await cache.release(KeyClaim(name=claim.name, token=None))
        assert await cache.claim(MERCHANT, "k-1") == InFlight()

    async def test_a_stored_response_is_given_and_cannot_be_released(self) -> None:
        cache = self.cache()
        claim = await cache.claim(MERCHANT, "k-1")
        assert isinstance(claim, KeyClaim)
        await cache.store(claim, RESPONSE)
        await cache.release(claim)
        assert await cache.claim(MERCHANT, "k-1") == RESPONSE
