"""The topics, as `paystream topics verify` compares them."""

from collections.abc import Iterator, Sequence

from infra.doctor.finding import Finding
from infra.doctor.kafka.security import AREA
from infra.kafka.topic_check import Comparison, remedy

SUBJECT = "topics"


def topic_findings(compared: Sequence[Comparison], missing: Sequence[str], bootstrap_servers: str) -> Iterator[Finding]:
    """Yield a line for each difference, and one for all that is missing."""
    differing = [each for each in compared if each.differs]
    if missing:
        summary = f"missing: {', '.join(missing)}"
        yield AREA.error(SUBJECT, summary, "paystream topics create (a relay that starts creates them, too)")
    for each in differing:
        yield AREA.error(each.topic, str(each), remedy(each, bootstrap_servers))
    names = {each.topic for each in compared}
    untold = sum(each.actual is None for each in compared)
    if not missing and not differing:
        remark = "" if not untold else f"; {untold} settings were not compared, since the broker does not tell them"
        yield AREA.ok(SUBJECT, f"{len(names)} are there, as declared{remark}")
