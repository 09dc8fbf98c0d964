"""Serves the files that the pages load: ours, and htmx and uPlot as their packages have them.

An address has a part of the file's digest, so that a browser may keep a file and still sees the next version at once.
"""

import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.http.vendored import ASSETS, MEDIA_TYPES, read_manifest, suffix

FOLDER = files(__package__)
MANIFEST: dict[str, Any] = read_manifest(FOLDER)
CHARTS = FOLDER.joinpath("charts")
CHARTS_MANIFEST: dict[str, Any] = read_manifest(CHARTS)
OURS = ("app.css", "app.js", "charts.js", "icon.svg")


def _vendored() -> dict[str, Traversable]:
    """Return where each file of others lies, by its name; licences are not served."""
    return {
        name: folder.joinpath(ASSETS, name)
        for folder, manifest in ((FOLDER, MANIFEST), (CHARTS, CHARTS_MANIFEST))
        for name in manifest["files"]
        if suffix(name) in MEDIA_TYPES
    }


_VENDORED = _vendored()


@cache
def address_of(name: str) -> str:
    """Return the address of a file, as pages have it."""
    digest = hashlib.sha256(_content(name)).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


def static_routes() -> list[Route]:
    """Return `/static/...` of each file that a browser loads."""
    return [Route(f"/static/{name}", _file(name)) for name in (*OURS, *_VENDORED)]


def _file(name: str) -> Any:
    content = _content(name)
    headers = {"Cache-Control": "public, max-age=86400"}

    async def file(_: Request) -> Response:
        return Response(content, media_type=MEDIA_TYPES[suffix(name)], headers=headers)

    return file


def _content(name: str) -> bytes:
    return (FOLDER.joinpath(name) if name in OURS else _VENDORED[name]).read_bytes()
