"""A server as our processes run it; its settings are variables.

POST / answers with the length of the body; GET /slow answers when GET /go came; GET /large answers with 8 MB.
"""

import asyncio

from fastapi import FastAPI, Request, Response

from infra.http.context import RequestContextMiddleware
from infra.http.head import head_routes
from infra.http.problems import install_problem_handlers
from infra.http.server import serve
from infra.process.health import health_routes
from infra.process.run import Runtime, run
from infra.settings.loading import load_settings
from infra.settings.process import ProcessSettings


async def main(runtime: Runtime) -> None:
    app, go = FastAPI(), asyncio.Event()

    @app.post("/")
    async def post(request: Request) -> int:
        return len(await request.body())

    @app.get("/slow")
    async def slow() -> str:
        await go.wait()
        return "slow"

    @app.get("/go")
    async def let_go() -> str:
        go.set()
        return "go"

    @app.get("/large")
    async def large() -> Response:
        return Response(bytes(8_000_000))

    app.router.routes.extend([*head_routes(app.routes), *health_routes(runtime.health)])
    app.add_middleware(RequestContextMiddleware)
    install_problem_handlers(app)
    await serve(app, "127.0.0.1", 0, runtime)


if __name__ == "__main__":
    run("bounded-server", load_settings(ProcessSettings), main, serves_http=True)
