"""Takes another version of Swagger UI: `python -m infra.http.docs.update FOLDER`, with the unpacked npm package.

`npm pack swagger-ui-dist@VERSION` fetches it.
"""

import hashlib
import json
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
FILES = (
    "LICENSE",
    "NOTICE",
    "favicon-32x32.png",
    "swagger-ui-bundle.js",
    "swagger-ui-bundle.js.LICENSE.txt",
    "swagger-ui.css",
)


def update(package: Path, folder: Path = HERE) -> None:
    """Copy the files that are served, with their licences, and write the manifest."""
    described = json.loads((package / "package.json").read_text("utf-8"))
    for name in FILES:
        shutil.copyfile(package / name, folder / "assets" / name)
    manifest = {
        "package": described["name"],
        "version": described["version"],
        "license": described["license"],
        "files": {name: hashlib.sha256((folder / "assets" / name).read_bytes()).hexdigest() for name in FILES},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    update(Path(sys.argv[1]))
