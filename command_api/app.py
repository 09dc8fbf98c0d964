"""Builds the application. What it works with is handed in, so that tests can hand in something else."""

from typing import Any

from fastapi import FastAPI

from command_api.api import CommandApi
from command_api.documentation import DESCRIPTION, describe
from command_api.routes import router
from infra.health import Health, health_routes
from infra.http.auth import ApiKeyring
from infra.http.context import RequestContextMiddleware
from infra.http.problems import install_problem_handlers


def create_app(api: CommandApi, *, keyring: ApiKeyring, health: Health) -> FastAPI:
    """Return the application. It opens and closes nothing of what it is given."""
    app = _bare_app()
    app.state.command_api = api
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
        redoc_url=None,
    )
    app.router.routes.extend(router.routes)  # not include_router(), which wraps every route once more
    app.add_middleware(RequestContextMiddleware)
    install_problem_handlers(app)
    describe(app)
    return app
