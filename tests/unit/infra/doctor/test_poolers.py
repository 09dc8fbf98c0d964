"""What the doctor makes of what addresses lead to."""

import pytest

from infra.doctor.finding import Status
from infra.doctor.postgres.poolers import pooler_finding, sessions_finding
from infra.postgres.pooling import DIRECT, Pooling
from infra.postgres.sessions import Sessions

POOLED = Pooling(is_transaction=True, prepares=False)
PREPARING = Pooling(is_transaction=True, prepares=True)


@pytest.mark.parametrize(
    ("found", "status"), [(Sessions.DIRECT, Status.OK), (Sessions.KEPT, Status.OK), (Sessions.LOST, Status.ERROR)]
)
def test_only_a_pooler_in_transaction_mode_takes_sessions_away(found: Sessions, status: Status) -> None:
    finding = sessions_finding("db:5432/paystream", found, ["relay", "projector"])
    assert finding.status is status
    assert "relay, projector" in finding.detail
    assert (finding.remedy is None) == (status is Status.OK)


@pytest.mark.parametrize(
    ("found", "pooling", "is_guarded", "keeps", "status"),
    [
        (Sessions.LOST, DIRECT, True, True, Status.ERROR),
        (Sessions.LOST, POOLED, True, True, Status.OK),
        (Sessions.LOST, POOLED, False, True, Status.ERROR),
        (Sessions.LOST, PREPARING, True, True, Status.OK),
        (Sessions.LOST, PREPARING, True, False, Status.ERROR),
        (Sessions.DIRECT, POOLED, True, True, Status.WARNING),
        (Sessions.KEPT, POOLED, True, True, Status.WARNING),
        (Sessions.DIRECT, DIRECT, True, True, None),
        (Sessions.KEPT, DIRECT, True, True, None),
    ],
)
def test_settings_and_what_is_there_have_to_agree(
    found: Sessions, pooling: Pooling, *, is_guarded: bool, keeps: bool, status: Status | None
) -> None:
    finding = pooler_finding("db/paystream", found, pooling, "command-api", is_guarded=is_guarded, keeps=keeps)
    assert (finding and finding.status) == status
    if finding is not None:
        assert "command-api" in finding.detail
        assert (finding.remedy is None) == (status is Status.OK)
