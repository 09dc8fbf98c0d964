"""Files of others that are served: what is copied is what the manifest says."""

import hashlib
import json
from pathlib import Path

from infra.http.vendored import read_manifest, update


def test_an_update_copies_files_under_their_names_with_their_digests(tmp_path: Path) -> None:
    package, folder = tmp_path / "package", tmp_path / "folder"
    (package / "dist").mkdir(parents=True)
    (folder / "assets").mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"name": "thing", "version": "1.2.3", "license": "MIT"}))
    (package / "LICENSE").write_text("MIT License")
    (package / "dist" / "thing.js").write_text("1")
    (package / "dist" / "other.js").write_text("2")

    update(package, folder, {"LICENSE": "LICENSE", "dist/thing.js": "thing.js"})

    manifest = read_manifest(folder)
    assert (manifest["package"], manifest["version"], manifest["license"]) == ("thing", "1.2.3", "MIT")
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (folder / "assets").iterdir()}
    assert manifest["files"] == found
    assert set(found) == {"LICENSE", "thing.js"}
