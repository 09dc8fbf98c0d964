"""Builds the application. What it works with is handed in, so that tests can hand in something else."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI

from command_api.client_secrets.routes import router as client_secrets_router
from command_api.client_secrets.service import ClientSecretReader
from command_api.commands.service import CommandService
from command_api.documentation import API
from command_api.exports.routes import router as exports_router
from command_api.exports.service import ExportRecorder
from command_api.payments.routes import router as payments_router
from command_api.payouts.routes import router as payouts_router
from command_api.payouts.stripe_payouts import PaidTransactions
from command_api.privacy.routes import router as privacy_router
from command_api.privacy.service import PersonalDataService
from command_api.reconciliations.routes import router as reconciliations_router
from command_api.reconciliations.service import ReconciliationService
from command_api.split_payments.routes import router as split_payments_router
from command_api.webhook_endpoints.admin_routes import router as webhook_endpoints_admin_router
from command_api.webhook_endpoints.routes import router as webhook_endpoints_router
from command_api.webhook_endpoints.service import WebhookEndpointService
from command_api.webhooks.routes import router as webhooks_router
from command_api.webhooks.service import WebhookIntake
from infra.access.keyring import ApiKeyring
from infra.http.app import add_routers, build_app
from infra.http.browsers import allow_origins
from infra.http.operations import Operations, declared_routers
from infra.http.rate_limit.limiter import RateLimiter
from infra.process.health import Health, health_routes


def create_app(
    *,
    payments: CommandService,
    split_payments: CommandService,
    client_secrets: ClientSecretReader,
    paid_transactions: PaidTransactions,
    exports: ExportRecorder,
    personal_data: PersonalDataService,
    webhooks: WebhookIntake,
    reconciliations: ReconciliationService,
    webhook_endpoints: WebhookEndpointService,
    operations: Operations,
    keyring: ApiKeyring,
    health: Health,
    cors_allowed_origins: Sequence[str] = (),
    rate_limiter: RateLimiter | None = None,
) -> FastAPI:
    """Return the application. It opens and closes nothing of what it is given.

    Without `rate_limiter` no key is limited.
    """
    app = bare_app()
    allow_origins(app, cors_allowed_origins)
    app.state.payments = payments
    app.state.split_payments = split_payments
    app.state.client_secrets = client_secrets
    app.state.paid_transactions = paid_transactions
    app.state.exports = exports
    app.state.personal_data = personal_data
    app.state.webhooks = webhooks
    app.state.reconciliations = reconciliations
    app.state.webhook_endpoints = webhook_endpoints
    app.state.operations = operations
    app.state.keyring = keyring
    app.state.rate_limiter = rate_limiter
    app.router.routes.extend(health_routes(health))
    return app


def bare_app() -> FastAPI:
    """Return the application without what it works with: it can only describe itself."""
    return build_app(API, _add_routes)


def openapi_documents() -> Mapping[str, dict[str, Any]]:
    """Return the OpenAPI document by its path in the folder of exported files."""
    return {"openapi/command-api.json": bare_app().openapi()}


def _add_routes(app: FastAPI) -> None:
    routers = (
        payments_router,
        split_payments_router,
        client_secrets_router,
        payouts_router,
        exports_router,
        privacy_router,
        webhooks_router,
        reconciliations_router,
        webhook_endpoints_router,
        webhook_endpoints_admin_router,
        *declared_routers(),
    )
    add_routers(app, routers)
