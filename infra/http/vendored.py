"""Files of others that we serve ourselves, so that pages work where there is no internet.

A folder has them in `assets/` as their npm package has them, and `manifest.json` says which version, under which
licence, with the digest of every file. A test holds the one against the other.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import orjson

MANIFEST = "manifest.json"
ASSETS = "assets"
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".png": "image/png", ".svg": "image/svg+xml"}


def read_manifest(folder: Traversable) -> dict[str, Any]:
    """Return what the manifest of a folder says."""
    manifest: dict[str, Any] = orjson.loads(folder.joinpath(MANIFEST).read_bytes())
    return manifest


def suffix(name: str) -> str:
    """Return how a file's name ends, with the dot."""
    return name[name.rfind(".") :]


def update(package: Path, folder: Path, files: Mapping[str, str]) -> None:
    """Take another version: copy files of the unpacked npm package, its licence among them, and write the manifest.

    `files` has the name of each in `assets/` by its path in the package. `npm pack NAME@VERSION` fetches a package.
    """
    described = json.loads((package / "package.json").read_text("utf-8"))
    assets = folder / ASSETS
    for path, name in files.items():
        shutil.copyfile(package / path, assets / name)
    manifest = {
        "package": described["name"],
        "version": described["version"],
        "license": described["license"],
        "files": {name: hashlib.sha256((assets / name).read_bytes()).hexdigest() for name in files.values()},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
