"""What the pages work with; the application keeps it as `app.state.office`."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from fastapi import Request

from back_office.apis.client import Api
from back_office.payments.streams import Streams
from back_office.settings import BackOfficeSettings
from back_office.staff.lockout import Lockout
from back_office.staff.locks import StaffLocks
from back_office.staff.oidc.sign_on import SignOn
from back_office.staff.passwords import Accounts
from back_office.staff.sessions import Sessions
from infra.settings.reconciliation import zone_named


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorApis:
    """The two APIs with the operator's key."""

    command_api: Api
    query_api: Api


@dataclass(frozen=True, kw_only=True, slots=True)
class Office:
    """The two APIs, and who may come in."""

    command_api: Api
    query_api: Api
    admin_api: Api
    """The command API for what is of all merchants: with the operator's key, where there is one."""
    finance_api: Api
    """The query API for what is of all merchants, likewise."""
    accounts: Accounts
    sessions: Sessions
    lockout: Lockout
    locks: StaffLocks
    sign_on: SignOn | None
    """Single sign-on; None: it is off."""
    has_passwords: bool
    """Whether passwords open anything."""
    stripe_dashboard: str
    streams: Streams
    zone: ZoneInfo
    """Where the business's days begin and end; times are shown in it beside UTC."""
    tls: bool
    """Whether browsers come over TLS: always, but in development."""

    @classmethod
    def from_settings(
        cls,
        settings: BackOfficeSettings,
        *,
        command_api: Api,
        query_api: Api,
        operators: "OperatorApis | None" = None,
        sign_on: SignOn | None = None,
    ) -> "Office":
        """Return the office of a process; without the operator's key, the other one is for all."""
        admin_api = command_api if operators is None else operators.command_api
        return cls(
            command_api=command_api,
            query_api=query_api,
            admin_api=admin_api,
            finance_api=query_api if operators is None else operators.query_api,
            accounts=Accounts(settings.back_office_staff),
            sessions=Sessions(
                idle_s=settings.back_office_session_idle_s,
                max_s=settings.back_office_session_max_s,
            ),
            lockout=Lockout(
                failures=settings.back_office_lockout_failures,
                locked_s=settings.back_office_lockout_s,
                accounts=(account.name for account in settings.back_office_staff),
            ),
            locks=StaffLocks(admin_api),
            sign_on=sign_on,
            has_passwords=settings.back_office_password_login,
            streams=Streams(most=settings.back_office_max_streams),
            zone=zone_named(settings.reconciliation_time_zone),
            stripe_dashboard=settings.back_office_stripe_dashboard_url,
            tls=not settings.is_development,
        )


def office_of(request: Request) -> Office:
    """Return the office of the application that answers this request."""
    office = request.app.state.office
    assert isinstance(office, Office)
    return office
