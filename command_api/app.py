"""Builds the application. What it works with is handed in, so that tests can hand in something else."""

from typing import Any

from fastapi import FastAPI

from command_api.api import CommandApi
from command_api.client_secrets.routes import router as client_secrets_router
from command_api.client_secrets.service import ClientSecretReader
from command_api.documentation import API, DESCRIPTION
from command_api.reconciliations.asking import ReconciliationDesk
from command_api.reconciliations.routes import router as reconciliations_router
from command_api.routes import router
from command_api.webhooks.intake import WebhookIntake
from command_api.webhooks.routes import router as webhooks_router
from infra.http.auth import ApiKeyring
from infra.http.context import RequestContextMiddleware
from infra.http.docs import documentation_routes
from infra.http.openapi import describe
from infra.http.problems import install_problem_handlers
from infra.process.health import Health, health_routes


def create_app(
    api: CommandApi,
    *,
    client_secrets: ClientSecretReader,
    webhooks: WebhookIntake,
    reconciliations: ReconciliationDesk,
    keyring: ApiKeyring,
    health: Health,
) -> FastAPI:
    """Return the application. It opens and closes nothing of what it is given."""
    app = _bare_app()
    app.state.command_api = api
    app.state.client_secrets = client_secrets
    app.state.webhooks = webhooks
    app.state.reconciliations = reconciliations
    app.state.keyring = keyring
    app.router.routes.extend(health_routes(health))
    return app


def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document of the command API."""
    return _bare_app().openapi()


def _bare_app() -> FastAPI:
    app = FastAPI(
        title="Paystream command API",
        version="1",
        description=DESCRIPTION,
        openapi_url=None,  # with it go FastAPI's own pages, which load their scripts from elsewhere
        redirect_slashes=False,  # to an address that the client names in its Host header
    )
    for each in (router, client_secrets_router, webhooks_router, reconciliations_router):
        app.router.routes.extend(each.routes)  # not include_router(), which wraps every route once more
    app.add_middleware(RequestContextMiddleware)
    install_problem_handlers(app)
    describe(app, API)
    app.router.routes.extend(documentation_routes(app))
    return app
