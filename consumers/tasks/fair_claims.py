"""Fair claims: ranks of tasks, and the merchants within a rank. Pure but for what it remembers of the last claim.

Payments go first, then refunds, then refreshes. So that an endless backlog of one rank does not hold up the others, a
part of the claims begins with another rank. Within a rank the merchants take turns.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from domain.ids import MerchantId


class Rank(IntEnum):
    """What goes first. `consumers.claim_rank` in the database says which operation is of which."""

    PAYMENTS = 0
    REFUNDS = 1
    REFRESHES = 2


_REFUNDS_FIRST_EVERY = 4
_REFRESHES_FIRST_EVERY = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Scan:
    """A look at the merchants of a rank in order of their names, beginning after this one; "" is before all."""

    rank: Rank
    after: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Lane:
    """The tasks of a merchant in a rank, found on a scan (by its place in the list). `is_due`: one of them at least."""

    scan: int
    rank: Rank
    merchant_id: MerchantId
    is_due: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Quota:
    """So many tasks of a lane may be taken at most."""

    rank: Rank
    merchant_id: MerchantId
    limit: int


class FairClaims:
    """Where each rank has come in the round of its merchants, from one claim to the next."""

    def __init__(self) -> None:
        self._after = dict.fromkeys(Rank, "")
        self._claims = 0

    def begin(self) -> None:
        """Begin another claim."""
        self._claims += 1

    @property
    def scans(self) -> list[Scan]:
        """Return where to look for lanes: in each rank from where it has come, and from the beginning up to there."""
        ranks = self._ranks()
        return [Scan(rank=rank, after=after) for rank in ranks for after in dict.fromkeys((self._after[rank], ""))]

    def _ranks(self) -> list[Rank]:
        first = Rank.PAYMENTS
        if self._claims % _REFRESHES_FIRST_EVERY == 0:
            first = Rank.REFRESHES
        elif self._claims % _REFUNDS_FIRST_EVERY == 0:
            first = Rank.REFUNDS
        return sorted(Rank, key=lambda rank: (rank is not first, rank))

    def share(self, lanes: Sequence[Lane], *, limit: int) -> list[Quota]:
        """Return whose turn it is, in order, and how much each may have of `limit` tasks."""
        due = {(lane.rank, lane.merchant_id): None for lane in lanes if lane.is_due}
        quotas = {rank: math.ceil(limit / merchants) for rank, merchants in Counter(rank for rank, _ in due).items()}
        return [Quota(rank=rank, merchant_id=merchant_id, limit=quotas[rank]) for rank, merchant_id in due]

    def advance(self, lanes: Sequence[Lane], served: Sequence[tuple[Rank, str]], *, steps: int, is_full: bool) -> bool:
        """Note how far the scans came, and return whether there may be more behind.

        `served`: the lanes that tasks were taken of, in order; `is_full`: so many that no more could be taken.
        `steps`: a scan looks at so many lanes.
        """
        scanned: dict[int, list[Lane]] = {}
        for lane in lanes:
            scanned.setdefault(lane.scan, []).append(lane)
        # The merchants behind the end of a scan that was cut short are to come next; else a new round begins.
        cut = {each[0].rank: each[-1].merchant_id for each in reversed(scanned.values()) if len(each) >= steps}
        after = {rank: cut.get(rank, "") for rank in Rank}
        if is_full:
            due = {lane.rank for lane in lanes if lane.is_due}
            last = dict(served)
            after |= {rank: last.get(rank, self._after[rank]) for rank in due}
        self._after = after
        return bool(cut)
