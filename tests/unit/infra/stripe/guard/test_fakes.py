"""The shared bucket in memory keeps the contract of the one in Redis."""

from infra.stripe.guard.fakes import MemoryTokenBucket
from infra.stripe.guard.token_bucket import SharedTokenBucket, TokenBucketRules
from tests.unit.infra.stripe.guard.limits import shared_bucket
from tests.unit.infra.stripe.guard.shared_bucket_contract import SharedBucketContract


class TestMemoryBucket(SharedBucketContract):
    def bucket(self, rules: TokenBucketRules) -> SharedTokenBucket:
        return MemoryTokenBucket(rules)

    def bucket_away(self) -> SharedTokenBucket:
        return shared_bucket(away=True)
