"""The server of REDIS_URL. Without it payments work; replays of idempotency keys are slower, and limits not shared."""

from collections.abc import AsyncGenerator, Iterator
from functools import partial

from infra.doctor.check import Check
from infra.doctor.deployment import Deployment
from infra.doctor.finding import Area, Finding
from infra.doctor.redis.server import NoRedis, RedisFacts, ask
from infra.settings.redis import RedisSettings

AREA = Area("Redis")
SUBJECT = "server"
_OLDEST = 7
_MS = 1000
_AWAY = "Is it running, and may this machine reach it? Compare host and port with REDIS_URL."
_AWAY_EMBEDDED = "`make run` starts it again by itself; its log: logs/valkey.log in PAYSTREAM_HOME."


def redis_checks(deployment: Deployment) -> Iterator[Check]:
    """Yield a check for each server that processes name."""
    targets = deployment.targets(RedisSettings)
    for target in targets.found:
        yield Check(area=AREA, run=partial(_ask, target.settings, embedded=deployment.embedded))
    if not targets.found:
        why = "; ".join(targets.wrong) or "none of these processes uses it"
        yield Check(area=AREA, run=partial(_not_asked, why))


async def _not_asked(why: str) -> AsyncGenerator[Finding, None]:
    yield AREA.skipped(SUBJECT, f"not asked: {why}")


async def _ask(settings: RedisSettings, *, embedded: bool) -> AsyncGenerator[Finding, None]:
    try:
        facts = await ask(settings.redis_url.get_secret_value())
    except NoRedis as error:
        remedy = _AWAY_EMBEDDED if embedded else _AWAY
        if error.refused:
            remedy = "Compare user and password in REDIS_URL with those of the server."
        yield AREA.error(SUBJECT, str(error), remedy)
        return
    yield redis_finding(facts, timeout_ms=settings.redis_timeout_ms)


def redis_finding(facts: RedisFacts, *, timeout_ms: int) -> Finding:
    """Judge a server that answers."""
    told = f"{describe(facts)}, a round trip takes {facts.seconds * _MS:.1f} ms"
    if facts.role != "master":
        remedy = "Name the primary in REDIS_URL: a replica cannot be written."
        return AREA.error(SUBJECT, f"{told}: it is a replica", remedy)
    if too_old(facts):
        return AREA.warning(
            SUBJECT, f"{told}: older than {_OLDEST}", f"Upgrade it: {_OLDEST} is the oldest that we know of."
        )
    if facts.seconds * _MS * 2 > timeout_ms:
        remedy = "Put it nearer, or raise REDIS_TIMEOUT_MS: an answer that comes later counts as none."
        return AREA.warning(SUBJECT, f"{told}, and the processes wait {timeout_ms} ms", remedy)
    return AREA.ok(SUBJECT, told)


def describe(facts: RedisFacts) -> str:
    """Return name, version and address; of one that keeps INFO to itself, the address."""
    return (
        f"{facts.name} {facts.version} at {facts.address}" if facts.version else f"{facts.address} (tells no version)"
    )


def too_old(facts: RedisFacts) -> bool:
    """Whether it is older than what our scripts were written for."""
    major = facts.version.partition(".")[0]
    return major.isdecimal() and int(major) < _OLDEST
