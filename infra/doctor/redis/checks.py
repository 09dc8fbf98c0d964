"""The server of REDIS_URL. Without it payments work; replays of idempotency keys are slower, and limits not shared."""

from collections.abc import AsyncGenerator, Iterator
from functools import partial

from infra.doctor.check import Check
from infra.doctor.deployment import Deployment
from infra.doctor.finding import Area, Finding
from infra.doctor.redis.server import NoRedis, RedisStatus, ask
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
        reason = "; ".join(targets.wrong) or "none of these processes uses it"
        yield Check(area=AREA, run=partial(_not_checked, reason))


async def _not_checked(reason: str) -> AsyncGenerator[Finding, None]:
    yield AREA.skipped(SUBJECT, f"not asked: {reason}")


async def _ask(settings: RedisSettings, *, embedded: bool) -> AsyncGenerator[Finding, None]:
    try:
        status = await ask(settings.redis_url.get_secret_value())
    except NoRedis as error:
        remedy = _AWAY_EMBEDDED if embedded else _AWAY
        if error.refused:
            remedy = "Compare user and password in REDIS_URL with those of the server."
        yield AREA.error(SUBJECT, str(error), remedy)
        return
    yield redis_finding(status, timeout_ms=settings.redis_timeout_ms)


def redis_finding(status: RedisStatus, *, timeout_ms: int) -> Finding:
    """Rate a server that answers."""
    summary = f"{describe(status)}, a round trip takes {status.seconds * _MS:.1f} ms"
    if status.role != "master":
        remedy = "Name the primary in REDIS_URL: a replica cannot be written."
        return AREA.error(SUBJECT, f"{summary}: it is a replica", remedy)
    if too_old(status):
        return AREA.warning(
            SUBJECT, f"{summary}: older than {_OLDEST}", f"Upgrade it: {_OLDEST} is the oldest that we know of."
        )
    if status.seconds * _MS * 2 > timeout_ms:
        remedy = "Put it nearer, or raise REDIS_TIMEOUT_MS: an answer that comes later counts as none."
        return AREA.warning(SUBJECT, f"{summary}, and the processes wait {timeout_ms} ms", remedy)
    return AREA.ok(SUBJECT, summary)


def describe(status: RedisStatus) -> str:
    """Return name, version and address; of one that keeps INFO to itself, the address."""
    return (
        f"{status.name} {status.version} at {status.address}"
        if status.version
        else f"{status.address} (tells no version)"
    )


def too_old(status: RedisStatus) -> bool:
    """Whether it is older than what our scripts were written for."""
    major = status.version.partition(".")[0]
    return major.isdecimal() and int(major) < _OLDEST
