"""The servers of REDLOCK_URLS: a lock is held by the votes of a majority, so they must be several and independent."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator, Sequence
from functools import partial

from infra.doctor.check import Check
from infra.doctor.deployment import Deployment
from infra.doctor.finding import Area, Finding
from infra.doctor.redis.checks import describe, too_old
from infra.doctor.redis.server import NoRedis, RedisStatus, ask
from infra.redis.redlock import RedlockSettings

AREA = Area("Redlock")
SUBJECT = "majority"
_FEW = 3
_MS = 1000


def redlock_checks(deployment: Deployment) -> Iterator[Check]:
    """Yield a check for each set of lock servers that processes name."""
    targets = deployment.targets(RedlockSettings)
    for target in targets.found:
        yield Check(area=AREA, run=partial(_ask, target.settings))
    if not targets.found:
        reason = "; ".join(targets.wrong) or "none of these processes takes locks"
        yield Check(area=AREA, run=partial(_not_checked, reason))


async def _not_checked(reason: str) -> AsyncGenerator[Finding, None]:
    yield AREA.skipped("servers", f"not asked: {reason}")


async def _ask(settings: RedlockSettings) -> AsyncGenerator[Finding, None]:
    urls = [each.get_secret_value() for each in settings.redlock_urls]
    yield number_finding(len(urls), production=settings.app_env == "production")
    if urls == [settings.redis_url.get_secret_value()]:
        return  # it is asked as REDIS_URL
    answers = await asyncio.gather(*map(ask, urls), return_exceptions=True)
    statuses = [each for each in answers if isinstance(each, RedisStatus)]
    away = [each for each in answers if isinstance(each, NoRedis)]
    for each in answers:
        if isinstance(each, BaseException) and not isinstance(each, NoRedis):
            raise each
    for finding in server_findings(statuses, timeout_ms=settings.redlock_server_timeout_ms):
        yield finding
    for finding in majority_findings(len(urls), [str(each) for each in away]):
        yield finding


def number_finding(count: int, *, production: bool) -> Finding:
    """Rate how many there are."""
    remedy = "Give REDLOCK_URLS 3 or 5 independent primaries, comma-separated, on machines that do not fail together."
    if count == 1 and production:
        detail = "one lock server: while it is away no sweep runs, and if it loses its memory two may"
        return AREA.warning("servers", detail, remedy)
    if count == 1:
        return AREA.ok("servers", "one lock server, enough for development: production wants 3 or 5")
    if count % 2 == 0:
        detail = f"{count} lock servers bear the loss of no more than {count - 1} do"
        return AREA.warning("servers", detail, remedy)
    return AREA.ok("servers", f"{count} lock servers bear the loss of {count // 2}")


def server_findings(statuses: Sequence[RedisStatus], *, timeout_ms: int) -> Iterator[Finding]:
    """Rate those that answer, each for itself and all against each other."""
    for each in statuses:
        summary = describe(each)
        if each.role != "master" or each.clustered:
            what = "a replica" if each.role != "master" else "part of a cluster"
            remedy = (
                "Name a primary that stands alone: what takes over after a failure may not know of a lock that is held."
            )
            yield AREA.error(each.address, f"{summary} is {what}", remedy)
        elif too_old(each):
            yield AREA.warning(
                each.address, f"{summary} is older than 7", "Upgrade it: 7 is the oldest that we know of."
            )
        elif each.seconds * _MS > timeout_ms:
            detail = f"{summary}: a round trip takes {each.seconds * _MS:.0f} ms, a vote is lost after {timeout_ms} ms"
            yield AREA.warning(each.address, detail, "Put it nearer, or raise REDLOCK_SERVER_TIMEOUT_MS.")
        else:
            yield AREA.ok(each.address, f"{summary}, a round trip takes {each.seconds * _MS:.1f} ms")
    same: dict[str, list[str]] = defaultdict(list)
    for each in statuses:
        if each.run_id:
            same[each.run_id].append(each.address)
    for addresses in same.values():
        if len(addresses) > 1:
            detail = f"{' and '.join(addresses)} are one server, whose vote counts {len(addresses)} times"
            yield AREA.warning("independence", detail, "Name each server once in REDLOCK_URLS.")


def majority_findings(count: int, away: Sequence[str]) -> Iterator[Finding]:
    """Rate whether enough of them answer."""
    remedy = "Is it running, and may this machine reach it? Compare REDLOCK_URLS."
    needed, there = count // 2 + 1, count - len(away)
    if there < needed:
        detail = f"{there} of {count} answer, {needed} are needed, so no lock can be had: {'; '.join(away)}"
        yield AREA.error(SUBJECT, detail, remedy)
        return
    for each in away:
        yield AREA.warning(SUBJECT, f"{each} (the other {there} are a majority)", remedy)
    if not away:
        yield AREA.ok(SUBJECT, f"all {count} answer, {needed} are needed")
