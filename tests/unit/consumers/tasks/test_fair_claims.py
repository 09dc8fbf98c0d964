"""Whose turn it is among ranks and merchants."""

from consumers.tasks.fair_claims import FairClaims, Lane, Rank
from domain.ids import MerchantId


def lanes(fair_claims: FairClaims, merchants: dict[Rank, list[str]], *, steps: int) -> list[Lane]:
    """Return what the scans find when each of these merchants has a due task in the rank."""
    return [
        Lane(scan=number, rank=scan.rank, merchant_id=MerchantId(merchant), is_due=True)
        for number, scan in enumerate(fair_claims.scans, 1)
        for merchant in [name for name in sorted(merchants.get(scan.rank, [])) if name > scan.after][:steps]
    ]


def served(fair_claims: FairClaims, merchants: dict[Rank, list[str]], *, limit: int = 1, steps: int = 100) -> list[str]:
    """Claim `limit` tasks of endless backlogs; return whose they are."""
    fair_claims.begin()
    found = lanes(fair_claims, merchants, steps=steps)
    taken = [
        (quota.rank, quota.merchant_id) for quota in fair_claims.share(found, limit=limit) for _ in range(quota.limit)
    ]
    fair_claims.advance(found, taken[:limit], steps=steps, is_full=len(taken) >= limit)
    return [f"{rank.name}-{merchant}" for rank, merchant in taken[:limit]]


def test_endless_payments_leave_turns_for_refunds_and_refreshes() -> None:
    fair_claims = FairClaims()
    backlog = {rank: ["m"] for rank in Rank}
    order = [served(fair_claims, backlog)[0] for _ in range(32)]
    assert order[:3] == ["PAYMENTS-m"] * 3
    assert (order.count("PAYMENTS-m"), order.count("REFUNDS-m"), order.count("REFRESHES-m")) == (24, 6, 2)


def test_more_merchants_than_are_looked_at_at_once_all_have_their_turns() -> None:
    fair_claims = FairClaims()
    backlog = {Rank.PAYMENTS: [f"m{number}" for number in range(7)]}
    order = [served(fair_claims, backlog, steps=3)[0] for _ in range(14)]
    assert sorted(order) == sorted(2 * [f"PAYMENTS-m{number}" for number in range(7)])


def test_what_is_free_is_shared_by_those_who_have_something_due() -> None:
    fair_claims = FairClaims()
    assert served(fair_claims, {Rank.PAYMENTS: ["a", "b"]}, limit=4) == ["PAYMENTS-a"] * 2 + ["PAYMENTS-b"] * 2
