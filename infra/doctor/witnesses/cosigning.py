"""What it means how witnesses answered, and what they have signed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra.doctor.finding import Finding
from infra.doctor.proofs import AREA

QUORUM = "witness quorum"
_LATE_S = 3600
"""After so long without a quorum there is an alert, too (WitnessQuorumMissing)."""
_RUNBOOK = "See docs/runbooks/proofs.md (WitnessQuorumMissing)."
_SET_UP = "Set PROOFS_WITNESSES for worker sealer, or keep a copy of the file checkpoint elsewhere: docs/proofs.md."


@dataclass(frozen=True, kw_only=True, slots=True)
class Cosigned:
    """The largest tree that a witness, named by its public key, has signed, and for how long a larger one has waited.

    As the table has it: `paystream audit verify` looks at the signatures themselves.
    """

    witness: str
    size: int | None
    waiting_s: float | None

    @property
    def is_late(self) -> bool:
        """Whether what it has signed is long ago."""
        return self.waiting_s is not None and self.waiting_s > _LATE_S


@dataclass(frozen=True, kw_only=True, slots=True)
class WitnessAnswer:
    """How a witness answered: `unreachable` says why not. `cosigned` is None where the database did not say."""

    name: str
    url: str
    unreachable: str | None
    cosigned: Cosigned | None

    @property
    def is_late(self) -> bool:
        """Whether it is known that it has not signed for long."""
        return self.cosigned is not None and self.cosigned.is_late


def without_witnesses(*, production: bool) -> Finding:
    """Say what it means that there is nobody to ask."""
    detail = "none: who has the sealer's key could seal another history, and nothing here would show it"
    return AREA.skipped("witnesses", detail, _SET_UP) if production else AREA.ok("witnesses", detail)


def witness_findings(answers: Sequence[WitnessAnswer], needed: int) -> Iterator[Finding]:
    """Rate each of them, and whether enough of them can sign, and do."""
    for each in answers:
        yield _finding(each)
    answering = [each for each in answers if each.unreachable is None]
    signing = [each for each in answers if not each.is_late]
    required = f"{needed} of {len(answers)} have to sign"
    if len(answering) < needed:
        detail = f"{required}, and {len(answering)} of them answer: what is sealed now gets no quorum"
        yield AREA.error(QUORUM, detail, f"Sealing goes on without. {_RUNBOOK}")
    elif len(signing) < needed:
        detail = f"{required}, and {len(signing)} of them have signed what is older than an hour"
        yield AREA.error(QUORUM, detail, f"The log of worker sealer says why. {_RUNBOOK}")
    else:
        yield AREA.ok(QUORUM, f"{required}, and {len(answering)} of them answer")


def _finding(each: WitnessAnswer) -> Finding:
    subject = f"witness {each.name}"
    signed = _signed(each.cosigned)
    if each.unreachable is not None:
        remedy = f"Ask whoever runs it, and look at what is between: the sealer has to reach {each.url}."
        return AREA.warning(subject, f"{each.url}: {each.unreachable}; {signed}", remedy)
    if each.is_late:
        return AREA.warning(subject, f"answers, but {signed}", f"The log of worker sealer says why. {_RUNBOOK}")
    return AREA.ok(subject, f"answers; {signed}")


def _signed(cosigned: Cosigned | None) -> str:
    if cosigned is None:
        return "what it has signed is not known"
    if cosigned.size is None and cosigned.waiting_s is None:
        return "nothing is sealed yet"
    done = "it has signed nothing" if cosigned.size is None else f"it has signed {cosigned.size} events"
    return (
        done if cosigned.waiting_s is None else f"{done}, and what came then waits for {_duration(cosigned.waiting_s)}"
    )


def _duration(seconds: float) -> str:
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 2 * _LATE_S else f"{seconds / _LATE_S:.0f} h"
