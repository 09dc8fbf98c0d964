"""Asks Stripe once for the account and once for its webhook endpoints, for each key that processes have.

Of a restricted key, once more for each kind of object that it has to read.
"""

from collections.abc import AsyncGenerator, Iterator
from functools import partial

import stripe

from infra.doctor.check import Check
from infra.doctor.deployment import Deployment, Targets
from infra.doctor.finding import Finding, Status
from infra.doctor.stripe.account import ACCOUNT, CLOCK, REACHED, VERSION, account_findings, unreachable
from infra.doctor.stripe.api import NoAnswer, ask
from infra.doctor.stripe.key import AREA, is_restricted, key_finding
from infra.doctor.stripe.permissions import permission_findings
from infra.doctor.stripe.webhooks import ENDPOINT, ENDPOINTS, MOST_ENDPOINTS, SECRET, endpoint_finding, secret_finding
from infra.settings.stripe import StripeSettings, StripeWebhookSettings
from infra.stripe.client import stripe_client

_TIMEOUT_MS = 3000
"""Thrice this is less than a check may take."""
_KEY = ("stripe_secret_key", "stripe_api_base", "stripe_timeout_ms")
_DEFAULT_TOLERANCE_S = 300


def stripe_checks(deployment: Deployment) -> Iterator[Check]:
    """Yield a check for each key and address of Stripe that processes have, and one for their secrets."""
    callers = deployment.targets(StripeSettings, differing_in=_KEY)
    receivers = deployment.targets(StripeWebhookSettings)
    tolerance_s = min((each.settings.stripe_webhook_tolerance_s for each in receivers.found), default=None)
    for target in callers.found:
        yield Check(area=AREA, run=partial(_ask, target.settings, tolerance_s or _DEFAULT_TOLERANCE_S))
    yield Check(area=AREA, run=partial(_secrets, callers, receivers))


async def _ask(settings: StripeSettings, tolerance_s: int) -> AsyncGenerator[Finding, None]:
    key = key_finding(settings)
    yield key
    if key.status is Status.ERROR:
        for subject in (REACHED, ACCOUNT, VERSION, CLOCK, ENDPOINT):
            yield AREA.skipped(subject, "not asked with such a key")
        return
    address = settings.stripe_api_base or stripe.DEFAULT_API_BASE
    limited = settings.model_copy(update={"stripe_timeout_ms": min(settings.stripe_timeout_ms, _TIMEOUT_MS)})
    async with stripe_client(limited) as client:
        try:
            answer = await ask(client, "/v1/account")
        except NoAnswer as error:
            for finding in unreachable(address, str(error)):
                yield finding
            yield AREA.skipped(ENDPOINT, "Stripe does not answer")
            return
        for finding in account_findings(answer, settings, address, tolerance_s=tolerance_s):
            yield finding
        try:
            endpoints = await ask(client, ENDPOINTS, limit=MOST_ENDPOINTS)
        except NoAnswer as error:
            yield AREA.skipped(ENDPOINT, f"Stripe did not answer this: {error}")
            return
        yield endpoint_finding(endpoints, production=settings.app_env == "production")
        if is_restricted(settings.stripe_secret_key.get_secret_value()):
            for finding in await permission_findings(client):
                yield finding


async def _secrets(
    callers: Targets[StripeSettings], receivers: Targets[StripeWebhookSettings]
) -> AsyncGenerator[Finding, None]:
    if not callers.found:
        reason = "; ".join(callers.wrong) or "none of these processes calls Stripe"
        yield AREA.skipped(REACHED, f"not asked: {reason}")
    if not receivers.found:
        reason = "; ".join(receivers.wrong) or "none of these processes takes webhooks"
        yield AREA.skipped(SECRET, f"not looked at: {reason}")
    for target in receivers.found:
        yield secret_finding(target.settings)
