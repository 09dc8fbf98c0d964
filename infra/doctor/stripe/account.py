"""What Stripe's answer to `GET /v1/account` says: https://docs.stripe.com/api/accounts/object."""

from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime

import stripe

from infra.doctor.finding import Finding
from infra.doctor.stripe.api import FORBIDDEN, OK, UNAUTHORIZED, Answer
from infra.doctor.stripe.key import AREA, is_restricted
from infra.settings.stripe import StripeSettings

REACHED, ACCOUNT, VERSION, CLOCK = "connection", "account", "API version", "clock"

_MOST_SKEW_S = 10.0
"""The Date header has whole seconds, and the answer was a while on its way."""
_HALF = 2
_MS = 1000


def unreachable(address: str, reason: str) -> Iterator[Finding]:
    """Yield the one error that it is, and what could not be looked at for it."""
    remedy = (
        "Look whether this machine may reach it (firewall, HTTPS_PROXY), and at STRIPE_API_BASE, which is empty for "
        "Stripe itself; for the sandbox: is it running? https://status.stripe.com tells of outages."
    )
    yield AREA.error(REACHED, f"{address}: {reason}", remedy)
    for subject in (ACCOUNT, VERSION, CLOCK):
        yield AREA.skipped(subject, "Stripe does not answer")


def account_findings(answer: Answer, settings: StripeSettings, address: str, *, tolerance_s: int) -> Iterator[Finding]:
    """Yield what the answer says of the connection, the account, the version of the API and the clock."""
    yield _connection(answer, settings, address)
    yield _account(answer, settings)
    yield version_finding(answer, stripe.api_version)
    yield clock_finding(answer, tolerance_s=tolerance_s)


def _connection(answer: Answer, settings: StripeSettings, address: str) -> Finding:
    summary = f"{address} answered in {answer.seconds * _MS:.0f} ms"
    if answer.seconds * _MS * _HALF > settings.stripe_timeout_ms:
        remedy = "Find out what slows the way there, or raise STRIPE_TIMEOUT_MS: a call that is cut off is tried again."
        return AREA.warning(REACHED, f"{summary}; calls end after {settings.stripe_timeout_ms} ms", remedy)
    return AREA.ok(REACHED, summary)


def _account(answer: Answer, settings: StripeSettings) -> Finding:
    key = settings.stripe_secret_key.get_secret_value()
    if answer.status == UNAUTHORIZED:
        remedy = "Take the key anew from https://dashboard.stripe.com/apikeys: it was rolled, deleted, or cut short."
        return AREA.error(ACCOUNT, f"Stripe refuses STRIPE_SECRET_KEY (401): {answer.message}", remedy)
    if answer.status == FORBIDDEN and is_restricted(key):
        return AREA.skipped(ACCOUNT, "the restricted key may not read the account, which payments do not need")
    if answer.status != OK:
        remedy = "Try again; https://status.stripe.com tells of outages."
        return AREA.error(ACCOUNT, f"Stripe answers {answer.status}: {answer.message or 'no reason given'}", remedy)
    body = answer.body
    summary = f"{body.get('id')}, {body.get('country')}, {str(body.get('default_currency', '?')).upper()}"
    if body.get("charges_enabled") is not True:
        remedy = "Finish what Stripe asks for: https://dashboard.stripe.com/account/onboarding"
        return AREA.error(ACCOUNT, f"{summary}: the account cannot make charges (charges_enabled is false)", remedy)
    return AREA.ok(ACCOUNT, f"{summary}, charges enabled")


def version_finding(answer: Answer, pinned: str) -> Finding:
    """Rate whether Stripe answered in the version that the SDK asks for and is written for."""
    answered = answer.headers.get("stripe-version")
    if answered is None:
        return AREA.skipped(VERSION, f"the answer names none; the SDK asks for {pinned}")
    if answered != pinned:
        remedy = "Something on the way changes the header Stripe-Version; or what answers there is older than the SDK."
        return AREA.warning(VERSION, f"the SDK asks for {pinned} and was answered in {answered}", remedy)
    return AREA.ok(VERSION, f"{pinned}, asked for and answered")


def clock_finding(answer: Answer, *, tolerance_s: int) -> Finding:
    """Rate how far our clock is from Stripe's: signatures of webhooks are refused when they seem too old."""
    stripes = _date(answer.headers.get("date"))
    if stripes is None:
        return AREA.skipped(CLOCK, "the answer has no Date")
    # A date cut to its second was half a second later on average, and was written half of the time ago.
    ahead_s = answer.received_at - answer.seconds / _HALF - (stripes.timestamp() + 0.5)
    where = "ahead of" if ahead_s > 0 else "behind"
    summary = f"this machine is {abs(ahead_s):.0f} s {where} Stripe; webhooks may be {tolerance_s} s old"
    remedy = "Set the clock, and have it kept right: timedatectl set-ntp true"
    if ahead_s >= tolerance_s:
        return AREA.error(CLOCK, f"{summary}: every one is refused", remedy)
    if abs(ahead_s) > _MOST_SKEW_S:
        return AREA.warning(CLOCK, summary, remedy)
    return AREA.ok(CLOCK, f"within {_MOST_SKEW_S:.0f} s of Stripe's; webhooks may be {tolerance_s} s old")


def _date(header: str | None) -> datetime | None:
    try:
        return None if header is None else parsedate_to_datetime(header)
    except ValueError:
        return None
