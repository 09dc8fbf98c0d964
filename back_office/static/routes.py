"""Serves the files that the pages load: ours, and htmx as its package has it.

An address has a part of the file's digest, so that a browser may keep a file and still sees the next version at once.
"""

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.http.vendored import ASSETS, MEDIA_TYPES, read_manifest, suffix

FOLDER = files(__package__)
MANIFEST: dict[str, Any] = read_manifest(FOLDER)
OURS = ("app.css", "app.js", "icon.svg")


@cache
def address_of(name: str) -> str:
    """Return the address of a file, as pages have it."""
    digest = hashlib.sha256(_content(name)).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


def static_routes() -> list[Route]:
    """Return `/static/...` of each file that a browser loads."""
    vendored = [name for name in MANIFEST["files"] if suffix(name) in MEDIA_TYPES]
    return [Route(f"/static/{name}", _file(name)) for name in (*OURS, *vendored)]


def _file(name: str) -> Any:
    content = _content(name)
    headers = {"Cache-Control": "public, max-age=86400"}

    async def file(_: Request) -> Response:
        return Response(content, media_type=MEDIA_TYPES[suffix(name)], headers=headers)

    return file


def _content(name: str) -> bytes:
    place = FOLDER if name in OURS else FOLDER.joinpath(ASSETS)
    return place.joinpath(name).read_bytes()
