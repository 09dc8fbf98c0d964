"""What every HTTP API has: a request context, problems as errors, its OpenAPI document and the pages that show it."""

from collections.abc import Callable, Iterable

from fastapi import APIRouter, FastAPI

from infra.http.context import RequestContextMiddleware
from infra.http.docs import documentation_routes
from infra.http.head import head_routes
from infra.http.openapi import ApiDescription, describe
from infra.http.problems import install_problem_handlers


def build_app(description: ApiDescription, add_routes: Callable[[FastAPI], None]) -> FastAPI:
    """Return an application with the routes that `add_routes` gives it, without what the routes work with."""
    app = FastAPI(
        title=description.title,
        version="1",
        description=description.text,
        openapi_url=None,  # with it go FastAPI's own pages, which load their scripts from elsewhere
        redirect_slashes=False,  # to an address that the client names in its Host header
    )
    add_routes(app)
    app.add_middleware(RequestContextMiddleware)
    install_problem_handlers(app)
    describe(app, description)
    app.router.routes.extend(documentation_routes(app))
    return app


def add_routers(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Serve the routes of the routers as they are: `include_router` wraps each, which costs time at each request.

    What has GET has HEAD; its routes come last, as nearly every request is none.
    """
    routes = [route for each in routers for route in each.routes]
    app.router.routes.extend(routes)
    app.router.routes.extend(head_routes(routes))
