"""What kind of key STRIPE_SECRET_KEY is: https://docs.stripe.com/keys. Nothing of the key is ever shown."""

from infra.doctor.finding import Area, Finding
from infra.settings.stripe import StripeSettings

AREA = Area("Stripe")
SUBJECT = "key"

_PLACEHOLDERS = ("change_me", "change-me", "changeme")
_WHERE = "Take a secret key (sk_...) from https://dashboard.stripe.com/apikeys"


def is_restricted(key: str) -> bool:
    """Whether it may only do what it was given for."""
    return key.startswith("rk_")


def is_placeholder(secret: str) -> bool:
    """Whether it is still what .env.example has in its place."""
    return any(secret.endswith(each) for each in _PLACEHOLDERS)


def key_finding(settings: StripeSettings) -> Finding:
    """Rate the key by APP_ENV. The settings themselves refuse other forms, and a live key outside production."""
    key = settings.stripe_secret_key.get_secret_value()
    summary = (
        f"a {'restricted' if is_restricted(key) else 'secret'} {'live' if settings.stripe_livemode else 'test'} key"
    )
    if is_placeholder(key) and settings.stripe_api_base is None:
        return AREA.error(SUBJECT, "STRIPE_SECRET_KEY is still what .env.example has in its place", f"{_WHERE}.")
    if not settings.stripe_livemode and settings.app_env == "production":
        detail = f"{summary}, with APP_ENV=production: payments succeed and no money moves"
        return AREA.warning(
            SUBJECT, detail, "Set STRIPE_SECRET_KEY to a live key; or another APP_ENV, if this is a test."
        )
    return AREA.ok(SUBJECT, f"{summary}, as APP_ENV={settings.app_env} allows")
