"""Runs `paystream schemas`, and prints what came of it."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.process import declared
from infra.schema_documents.git_history import PastVersion, past_versions

EXPORTED = Path(__file__).parents[2] / "schemas" / "exported"
_REMEDY = "run: make schemas"

Documents = Mapping[str, Any]


def run_schemas_export(folder: Path = EXPORTED) -> int:
    """Write what the code says now; return the exit code. Files of which the code says nothing stay as they are."""
    documents = _documents()
    if documents is None:
        return 1
    changed = [path for path, document in sorted(documents.items()) if _write(folder / path, _rendered(document))]
    for path in changed:
        print(f"wrote {path}")
    print(f"{len(documents)} documents are in {folder}, {len(changed)} of them new or changed.")
    return 0


def run_schemas_check(folder: Path = EXPORTED) -> int:
    """Print what is stale or breaks somebody, one finding a line; return the exit code: 1 when there is any."""
    documents = _documents()
    if documents is None:
        return 1
    findings = list(_drift(folder, documents))
    history = past_versions(folder)
    for notice in history.notices:
        print(f"paystream: WARNING: {notice}", file=sys.stderr)
    findings += _incompatibilities(history.versions, documents)
    for finding in findings:
        print(finding)
    compared = f"{len(documents)} documents, compared with {len(history.versions)} versions in the git history"
    print(f"{compared}: {_count(len(findings))}.")
    return 1 if findings else 0


def _documents() -> Documents | None:
    """Return the documents as the code says them now; None after saying why there are none."""
    try:
        return declared.schema_documents()
    except (declared.NotDeclared, FileNotFoundError) as error:
        print(f"paystream: {error}", file=sys.stderr)
        return None


def _rendered(document: Any) -> str:
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _write(file: Path, text: str) -> bool:
    if _read(file) == text:
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8", newline="\n")
    return True


def _read(file: Path) -> str | None:
    return file.read_text("utf-8") if file.is_file() else None


def _drift(folder: Path, documents: Documents) -> Iterator[str]:
    for path, document in sorted(documents.items()):
        text = _read(folder / path)
        if text is None:
            yield f"{path}: not exported yet; {_REMEDY}"
        elif text != _rendered(document):
            yield f"{path}: not what the code says now; {_REMEDY}"
    there = {file.relative_to(folder).as_posix() for file in folder.rglob("*.json")}
    for path in sorted(there - documents.keys()):
        yield f"{path}: the code does not know it any more"


def _incompatibilities(versions: Iterable[PastVersion], documents: Documents) -> list[str]:
    """Return the findings, each once, with the newest version that it breaks."""
    breaking_changes = declared.load(declared.SCHEMA_RULES, "compatibility")
    is_correction = declared.load(declared.SCHEMA_RULES, "corrections")
    newest: dict[str, str] = {}
    for version in versions:
        if version.path not in documents:
            newest.setdefault(f"{version.path}: removed", version.commit)
            continue
        for change in breaking_changes(version.document, documents[version.path]):
            if not is_correction(version.path, str(change)):
                newest.setdefault(f"{version.path}: {change}", version.commit)
    return [f"{finding} (breaks the version of commit {commit})" for finding, commit in sorted(newest.items())]


def _count(findings: int) -> str:
    return "all is well" if not findings else "1 finding" if findings == 1 else f"{findings} findings"
