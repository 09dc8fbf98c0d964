import pytest
from pydantic import ValidationError

from infra.stripe.guard.settings import StripeGuardSettings, open_stripe_guard


def settings(**changes: object) -> StripeGuardSettings:
    known = {"redis_url": "redis://localhost", "stripe_secret_key": "sk_test_1"}
    return StripeGuardSettings.model_validate(known | changes)


@pytest.mark.parametrize(
    ("key", "limit"), [("sk_live_1", 100), ("rk_live_1", 100), ("sk_test_1", 25), ("rk_test_1", 25)]
)
def test_the_key_decides_which_limit_holds(key: str, limit: float) -> None:
    assert settings(stripe_secret_key=key, app_env="production").stripe_rate_limit_per_s == limit


@pytest.mark.parametrize("limit", [0.5, 1, -1])
def test_a_limit_that_no_bucket_can_keep_is_refused(limit: float) -> None:
    with pytest.raises(ValidationError):
        settings(stripe_rate_limit_test_per_s=limit)


async def test_without_a_limit_redis_is_not_used() -> None:
    # A unit test that opens a network socket fails.
    async with open_stripe_guard(settings(stripe_rate_limit_test_per_s=0)) as guard, guard.call():
        assert guard.capacity() is None


async def test_a_process_has_one_guard_for_the_same_settings() -> None:
    without_limit = settings(stripe_rate_limit_test_per_s=0)
    async with open_stripe_guard(without_limit) as first:
        async with open_stripe_guard(settings(stripe_rate_limit_test_per_s=0)) as second:
            assert second is first
        other = settings(stripe_rate_limit_test_per_s=0, stripe_secret_key="sk_test_2")
        async with open_stripe_guard(other) as third:
            assert third is not first
    async with open_stripe_guard(without_limit) as later:
        assert later is not first
