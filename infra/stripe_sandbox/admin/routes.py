"""All pages of the control panel."""

from starlette.routing import Route

from infra.stripe_sandbox.admin.faults import FaultPages
from infra.stripe_sandbox.admin.keys import KeyPages
from infra.stripe_sandbox.admin.objects import ObjectPages
from infra.stripe_sandbox.admin.payments import PaymentPages
from infra.stripe_sandbox.admin.time import TimePages
from infra.stripe_sandbox.admin.webhooks import WebhookPages
from infra.stripe_sandbox.authentication_page import AuthenticationPage
from infra.stripe_sandbox.latency import Latency
from infra.stripe_sandbox.panel import Panel


def panel_routes(panel: Panel, latency: Latency) -> list[Route]:
    """Return the routes of every page."""
    return [
        *ObjectPages(panel=panel).routes(),
        *TimePages(panel=panel, latency=latency).routes(),
        *AuthenticationPage(world=panel.world, commits=panel.commits).routes(),
        *PaymentPages(panel=panel).routes(),
        *WebhookPages(panel=panel).routes(),
        *FaultPages(panel=panel).routes(),
        *KeyPages(panel=panel).routes(),
    ]
