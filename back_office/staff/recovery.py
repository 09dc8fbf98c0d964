"""Recovery codes and sign-ins, as the command API keeps them."""

from collections.abc import Sequence

import structlog
from prometheus_client import Counter

from back_office.apis.client import Api
from back_office.apis.errors import ApiError, ApiRefused
from back_office.web.addresses import segment
from infra.settings.staff import StaffAccount

log = structlog.get_logger(__name__)

UNRECORDED = Counter("back_office_unrecorded_logins_total", "Log-ins that the command API could not record")

_CONFLICT = 409
_LONGEST = 100
_BY_THEMSELVES = "made anew by themselves in the back office"


async def record_sign_in(api: Api, account: StaffAccount, second_factor: str, *, method: str | None = None) -> bool:
    """Record that somebody signs in; return whether they may: not who was locked at this very moment.

    `method`: how, unless by a password. A command API of an older release does not know it.

    While nothing can be recorded they come in all the same: it is counted.
    """
    body = {"role": account.role, "second_factor": second_factor, **({"method": method} if method else {})}
    try:
        await api.post(f"/staff/{segment(account.name)}/sign-ins", body, _by(account))
    except ApiError as error:
        if isinstance(error, ApiRefused) and error.status == _CONFLICT:
            return False
        UNRECORDED.inc()
        log.warning("staff_login_not_recorded", staff=account.name, error=str(error))
    return True


async def use_recovery_code(api: Api, account: StaffAccount, code: str) -> bool:
    """Use a recovery code up; return whether it was one. Raises ApiAway and ApiRefused."""
    if not code or len(code) > _LONGEST:
        return False
    try:
        answer = await api.post(f"/staff/{segment(account.name)}/recovery-codes/use", {"code": code}, _by(account))
    except ApiRefused as refused:
        if refused.status == _CONFLICT:
            return False
        raise
    log.info("recovery_code_used", staff=account.name, left=answer.body["left"])
    return True


async def codes_left(api: Api, account: StaffAccount) -> int:
    """Return how many codes somebody has. Raises ApiAway and ApiRefused."""
    return int((await api.get(f"/staff/{segment(account.name)}/recovery-codes")).body["left"])


async def make_codes(api: Api, account: StaffAccount) -> Sequence[str]:
    """Give somebody new codes, and return them. Raises ApiAway and ApiRefused."""
    body = {"reason": _BY_THEMSELVES}
    codes: list[str] = (await api.post(f"/staff/{segment(account.name)}/recovery-codes", body, _by(account))).body[
        "codes"
    ]
    return codes


def _by(account: StaffAccount) -> dict[str, str]:
    return {"Paystream-Actor": account.name}
