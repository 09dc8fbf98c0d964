"""Serves the files that the pages load: ours, and htmx as its package has it."""

from importlib.resources import files
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.http.vendored import ASSETS, MEDIA_TYPES, read_manifest, suffix

FOLDER = files(__package__)
MANIFEST: dict[str, Any] = read_manifest(FOLDER)
OURS = ("app.css", "app.js", "icon.svg")


def static_routes() -> list[Route]:
    """Return `/static/...` of each file that a browser loads."""
    vendored = [name for name in MANIFEST["files"] if suffix(name) in MEDIA_TYPES]
    return [Route(f"/static/{name}", _file(name)) for name in (*OURS, *vendored)]


def _file(name: str) -> Any:
    place = FOLDER if name in OURS else FOLDER.joinpath(ASSETS)
    content = place.joinpath(name).read_bytes()
    headers = {"Cache-Control": "public, max-age=3600"}

    async def file(_: Request) -> Response:
        return Response(content, media_type=MEDIA_TYPES[suffix(name)], headers=headers)

    return file
