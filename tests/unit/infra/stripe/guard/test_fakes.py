"""The shared bucket in memory keeps the contract of the one in Redis."""

from infra.stripe.guard.bucket import Pace, SharedBucket
from infra.stripe.guard.fakes import MemoryBucket
from tests.unit.infra.stripe.guard.limits import shared_bucket
from tests.unit.infra.stripe.guard.shared_bucket_contract import SharedBucketContract


class TestMemoryBucket(SharedBucketContract):
    def bucket(self, pace: Pace) -> SharedBucket:
        return MemoryBucket(pace)

    def bucket_away(self) -> SharedBucket:
        return shared_bucket(away=True)
