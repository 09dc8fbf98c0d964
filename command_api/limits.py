"""The limits that are in force in this process, as operators see them. Pure: from its settings."""

from command_api.request_body import MAX_BODY_BYTES
from command_api.settings import CommandApiSettings
from infra.http.limits import HttpLimits
from infra.http.operations import Limit
from infra.webhooks_out.endpoints import MOST_ENDPOINTS
from infra.webhooks_out.rotation import MOST_SECRETS

_REQUESTS = "requests/s"


def limits_in_force(settings: CommandApiSettings) -> tuple[Limit, ...]:
    """Return them with the settings that give them."""
    http = HttpLimits.from_settings(settings)
    return (
        _limit("RATE_LIMIT_WRITE_PER_S", settings.rate_limit_write_per_s, _REQUESTS, "Commands, for each API key"),
        _limit("RATE_LIMIT_READ_PER_S", settings.rate_limit_read_per_s, _REQUESTS, "Reads of payments, for each key"),
        _limit(
            "RATE_LIMIT_ACCOUNT_PER_S",
            settings.rate_limit_account_per_s,
            _REQUESTS,
            "What concerns the whole account, for each key",
        ),
        _limit("RATE_LIMIT_BURST_S", settings.rate_limit_burst_s, "s", "So much unused time is saved up by a key"),
        _limit(
            "COMMAND_API_MAX_IN_PROGRESS",
            settings.command_api_max_in_progress,
            "commands",
            "Commands that wait to be recorded; beyond, the answer is 503",
        ),
        _limit("COMMAND_API_MAX_WAIT_S", settings.command_api_max_wait_s, "s", "The longest that Prefer: wait is held"),
        _limit(None, MAX_BODY_BYTES, "bytes", "The body of a request"),
        _limit("EVENT_MAX_BYTES", settings.event_max_bytes, "bytes", "An event that is recorded"),
        _limit("HTTP_MAX_CONNECTIONS", http.max_connections, "connections", "Connections that are open"),
        _limit(
            "HTTP_MAX_CONNECTIONS_PER_ADDRESS",
            http.max_connections_per_address,
            "connections",
            "Those of an IP address",
        ),
        _limit(
            f"STRIPE_RATE_LIMIT_{'LIVE' if settings.stripe_livemode else 'TEST'}_PER_S",
            round(settings.stripe_rate_limit_per_s),
            "calls/s",
            "Calls of Stripe, by all processes together",
        ),
        _limit("STRIPE_MAX_CONCURRENCY", settings.stripe_max_concurrency, "calls", "Calls of Stripe in flight"),
        _limit(None, MOST_ENDPOINTS, "endpoints", "Webhook endpoints of a merchant"),
        _limit(None, MOST_SECRETS, "secrets", "Secrets of a webhook endpoint that sign at once"),
    )


def _limit(setting: str | None, value: int, unit: str, text: str) -> Limit:
    return Limit(setting=setting, value=value, unit=unit, text=text)
