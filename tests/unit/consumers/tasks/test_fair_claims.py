"""Whose turn it is among ranks and merchants."""

from consumers.tasks.fair_claims import Lane, Rank, Turns


def lanes(turns: Turns, merchants: dict[Rank, list[str]], *, steps: int) -> list[Lane]:
    """Return what the walks find when each of these merchants has a due task in the rank."""
    return [
        Lane(walk=number, rank=walk.rank, merchant_id=merchant, is_due=True)
        for number, walk in enumerate(turns.walks, 1)
        for merchant in [name for name in sorted(merchants.get(walk.rank, [])) if name > walk.after][:steps]
    ]


def served(turns: Turns, merchants: dict[Rank, list[str]], *, limit: int = 1, steps: int = 100) -> list[str]:
    """Claim `limit` tasks of endless backlogs; return whose they are."""
    turns.begin()
    found = lanes(turns, merchants, steps=steps)
    taken = [(turn.rank, turn.merchant_id) for turn in turns.share(found, limit=limit) for _ in range(turn.places)]
    turns.took(found, taken[:limit], steps=steps, is_full=len(taken) >= limit)
    return [f"{rank.name}-{merchant}" for rank, merchant in taken[:limit]]


def test_endless_payments_leave_turns_for_refunds_and_refreshes() -> None:
    turns = Turns()
    backlog = {rank: ["m"] for rank in Rank}
    order = [served(turns, backlog)[0] for _ in range(32)]
    assert order[:3] == ["PAYMENTS-m"] * 3
    assert (order.count("PAYMENTS-m"), order.count("REFUNDS-m"), order.count("REFRESHES-m")) == (24, 6, 2)


def test_more_merchants_than_are_looked_at_at_once_all_have_their_turns() -> None:
    turns = Turns()
    backlog = {Rank.PAYMENTS: [f"m{number}" for number in range(7)]}
    order = [served(turns, backlog, steps=3)[0] for _ in range(14)]
    assert sorted(order) == sorted(2 * [f"PAYMENTS-m{number}" for number in range(7)])


def test_what_is_free_is_shared_by_those_who_have_something_due() -> None:
    turns = Turns()
    assert served(turns, {Rank.PAYMENTS: ["a", "b"]}, limit=4) == ["PAYMENTS-a"] * 2 + ["PAYMENTS-b"] * 2
