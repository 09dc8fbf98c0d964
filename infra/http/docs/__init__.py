"""The interactive documentation of an API, served by itself: Swagger UI at `/docs`, and the document that it reads.

Everything comes from this process, so that it works where there is no internet, and the page's policy allows nothing
else. `assets/` is Swagger UI as its package has it, under the Apache License 2.0; `manifest.json` says which version,
with the digest of every file. `python -m infra.http.docs.update FOLDER` takes another one.
"""

from importlib.resources import files
from typing import Any

import orjson
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.http.vendored import ASSETS, MEDIA_TYPES, read_manifest, suffix

FOLDER = files(__package__)
MANIFEST: dict[str, Any] = read_manifest(FOLDER)
OURS = ("page.css", "page.js")

# https://www.w3.org/TR/CSP3/. Swagger UI draws its icons from data: addresses, and asks this API alone.
POLICY = (
    "default-src 'none'; "
    "script-src 'self'; "
    "style-src 'self'; "
    "img-src 'self' data:; "
    "connect-src 'self'; "
    "base-uri 'none'; "
    "form-action 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def documentation_routes(app: FastAPI) -> list[Route]:
    """Return `/docs`, what it is made of, and `/openapi.json`. Switch the application's own off."""

    async def page(_: Request) -> Response:
        return Response(FOLDER.joinpath("page.html").read_bytes(), media_type="text/html", headers=_HEADERS)

    async def document(request: Request) -> Response:
        here = str(request.scope.get("root_path", "")) or "/"
        described = await run_in_threadpool(app.openapi)  # the first time it takes a third of a second
        servers = [{"url": here, "description": "This API."}, *described["servers"]]
        return Response(orjson.dumps({**described, "servers": servers}), media_type="application/json")

    return [
        Route("/docs", page, include_in_schema=False),
        *(Route(f"/docs/{name}", _asset(name), include_in_schema=False) for name in _shown()),
        Route("/openapi.json", document, include_in_schema=False),
    ]


def _shown() -> list[str]:
    return [name for name in (*OURS, *MANIFEST["files"]) if suffix(name) in MEDIA_TYPES]


def _asset(name: str) -> Any:
    async def asset(_: Request) -> Response:
        place = FOLDER if name in OURS else FOLDER.joinpath(ASSETS)
        headers = {**_HEADERS, "Cache-Control": "public, max-age=3600"}
        return Response(place.joinpath(name).read_bytes(), media_type=MEDIA_TYPES[suffix(name)], headers=headers)

    return asset
