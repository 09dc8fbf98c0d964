"""What the doctor says of witnesses, by what they and the sealer's database answered."""

import pytest

from infra.doctor.check import Check, run_all
from infra.doctor.finding import Finding, Status
from infra.doctor.witnesses import checks
from infra.doctor.witnesses.checks import WitnessedSettings, witness_checks
from infra.doctor.witnesses.cosigning import QUORUM, Cosigned, WitnessAnswer, witness_findings
from infra.settings.proofs import SealerKeySettings
from tests.unit.infra.doctor.deployments import deployment, statuses

KEYS = {name: f"{name}.example+1c3d5e7f+BPq{name}" for name in ("one", "two", "three")}
HOUR_S = 3600.0


def answers(
    name: str,
    *,
    unreachable: str | None = None,
    size: int | None = 40,
    waiting_s: float | None = None,
    known: bool = True,
) -> WitnessAnswer:
    cosigned = Cosigned(witness=KEYS[name], size=size, waiting_s=waiting_s) if known else None
    return WitnessAnswer(
        name=f"{name}.example", url=f"https://{name}.example", unreachable=unreachable, cosigned=cosigned
    )


def found(*witnesses: WitnessAnswer, needed: int) -> list[Finding]:
    return list(witness_findings(witnesses, needed))


def test_all_sign() -> None:
    findings = found(answers("one"), answers("two", waiting_s=9.6), needed=2)
    assert statuses(findings) == {
        "witness one.example": Status.OK,
        "witness two.example": Status.OK,
        QUORUM: Status.OK,
    }
    assert [each.detail for each in findings] == [
        "answers; it has signed 40 events",
        "answers; it has signed 40 events, and what came then waits for 10 s",
        "2 of 2 have to sign, and 2 of them answer",
    ]


@pytest.mark.parametrize(
    "missing",
    [
        answers("two", unreachable="no answer within 3 s"),
        answers("two", waiting_s=HOUR_S + 1),
        answers("two", size=None, waiting_s=2 * HOUR_S),
    ],
)
@pytest.mark.parametrize(("needed", "quorum"), [(1, Status.OK), (2, Status.ERROR)])
def test_one_that_misses_is_an_error_of_the_quorum_alone(missing: WitnessAnswer, needed: int, quorum: Status) -> None:
    findings = found(answers("one"), missing, needed=needed)
    assert statuses(findings) == {
        "witness one.example": Status.OK,
        "witness two.example": Status.WARNING,
        QUORUM: quorum,
    }
    assert all(each.remedy for each in findings if each.status is not Status.OK)


def test_one_late_and_one_away_of_three_leave_a_quorum_of_two() -> None:
    late, away = answers("one", waiting_s=3 * HOUR_S), answers("two", unreachable="it answers 404, as no witness does")
    one, two, _, quorum = found(late, away, answers("three"), needed=2)
    assert one.detail == "answers, but it has signed 40 events, and what came then waits for 3 h"
    assert two.detail == "https://two.example: it answers 404, as no witness does; it has signed 40 events"
    assert quorum.status is Status.OK, "of three, one is late and one is away now: two answer, and two have signed"


@pytest.mark.parametrize(
    ("witness", "detail"),
    [
        (answers("one", size=None), "answers; nothing is sealed yet"),
        (answers("one", known=False), "answers; what it has signed is not known"),
        (answers("one", size=None, waiting_s=5), "answers; it has signed nothing, and what came then waits for 5 s"),
    ],
)
def test_what_is_not_signed_for_a_reason_is_fine(witness: WitnessAnswer, detail: str) -> None:
    assert found(witness, needed=1)[0].detail == detail
    assert {each.status for each in found(witness, needed=1)} == {Status.OK}


SEALER = {
    "database_url": "postgresql://sealer:password@db.example/pay",
    "sealer_key": "PRIVATE+KEY+x",
    "proofs_folder": "/tiles",
}


def checked(**variables: str) -> list[Check]:
    return list(witness_checks(deployment(WitnessedSettings, **SEALER | variables)))


@pytest.mark.parametrize(("environment", "status"), [("development", Status.OK), ("production", Status.SKIPPED)])
async def test_nobody_to_ask_is_said_in_production(environment: str, status: Status) -> None:
    (finding,) = await run_all(checked(app_env=environment))
    assert (finding.area, finding.subject, finding.status) == ("Proofs", "witnesses", status)


async def test_each_is_asked_where_the_settings_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(_: object, url: str) -> str | None:
        return None if url == "https://one.example/w" else "it answers 502, as no witness does"

    async def cosigned(url: str, keys: list[str]) -> dict[str, Cosigned]:
        assert url == SEALER["database_url"]
        return {key: Cosigned(witness=key, size=7, waiting_s=None) for key in keys[:1]}

    monkeypatch.setattr(checks, "unreachable_reason", away)
    monkeypatch.setattr(checks, "_cosigned", cosigned)
    witnesses = f"https://one.example/w {KEYS['one']}, https://two.example {KEYS['two']}"

    findings = await run_all(checked(proofs_witnesses=witnesses, proofs_witness_quorum="1"))

    assert [(each.subject, each.status) for each in findings] == [
        ("witness one.example", Status.OK),
        ("witness two.example", Status.WARNING),
        (QUORUM, Status.OK),
    ]
    assert findings[0].detail == "answers; it has signed 7 events"


def test_who_seals_nothing_is_not_asked() -> None:
    assert checked(sealer_key="") == []
    assert list(witness_checks(deployment(SealerKeySettings, **SEALER))) == []
