"""`paystream schemas export` and `check` on documents of the test's own."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.process import declared
from infra.schema_documents.cli_run import run_schemas_check, run_schemas_export


class Declared:
    """What the package declares, for the test to change. Its rule: no member of a document may go."""

    def __init__(self) -> None:
        self.corrections: set[tuple[str, str]] = set()
        self.documents: dict[str, Any] = {"events/a.v1.json": {"b": 1, "a": "ü"}, "c.json": {}}

    def schema_documents(self) -> dict[str, Any]:
        return self.documents

    def load(self, group: str, name: str) -> Any:
        assert group == declared.SCHEMA_RULES
        if name == "corrections":
            return lambda path, finding: (path, finding) in self.corrections
        assert name == "compatibility"
        return lambda old, new: [f"$.{member}: removed" for member in old if member not in new]


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> Declared:
    package = Declared()
    monkeypatch.setattr(declared, "schema_documents", package.schema_documents)
    monkeypatch.setattr(declared, "load", package.load)
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    return package


@pytest.fixture
def folder(package: Declared, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder in a git repository, with the documents exported and committed."""
    folder = tmp_path / "exported"
    assert run_schemas_export(folder) == 0
    assert all((folder / path).is_file() for path in package.documents)
    git(tmp_path, "init", "--quiet")
    commit(folder)
    capsys.readouterr()
    return folder


def git(path: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *identity, *arguments], cwd=path, check=True, capture_output=True, text=True).stdout


def commit(folder: Path) -> str:
    git(folder.parent, "add", "--all")
    git(folder.parent, "commit", "--quiet", "--message=x")
    return git(folder.parent, "log", "-1", "--abbrev=10", "--format=%h of %cs").strip()


def test_an_export_is_the_same_byte_for_byte_whenever_it_is_made(folder: Path, package: Declared) -> None:
    text = '{\n  "a": "ü",\n  "b": 1\n}\n'
    assert (folder / "events/a.v1.json").read_bytes() == text.encode()
    package.documents["events/a.v1.json"] = {"a": "ü", "b": 1}
    assert run_schemas_export(folder) == 0
    assert (folder / "events/a.v1.json").read_bytes() == text.encode()


def test_an_export_says_what_it_wrote(folder: Path, package: Declared, capsys: pytest.CaptureFixture[str]) -> None:
    package.documents["c.json"] = {"new": 1}
    assert run_schemas_export(folder) == 0
    assert capsys.readouterr().out.splitlines() == [
        "wrote c.json",
        f"2 documents are in {folder}, 1 of them new or changed.",
    ]


def test_documents_as_the_code_says_them_are_well(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_schemas_check(folder) == 0
    said = capsys.readouterr()
    assert said.out == "2 documents, compared with 2 versions in the git history: all is well.\n"
    assert said.err == ""


def test_drift_is_found_with_its_remedy(folder: Path, package: Declared, capsys: pytest.CaptureFixture[str]) -> None:
    package.documents |= {"c.json": {"more": 1}, "d.json": {}}
    (folder / "stray.json").write_text("{}")
    assert run_schemas_check(folder) == 1
    assert capsys.readouterr().out.splitlines()[:-1] == [
        "c.json: not what the code says now; run: make schemas",
        "d.json: not exported yet; run: make schemas",
        "stray.json: the code does not know it any more",
    ]


def test_every_version_of_the_history_has_to_be_kept(
    folder: Path, package: Declared, capsys: pytest.CaptureFixture[str]
) -> None:
    first = git(folder, "log", "-1", "--abbrev=10", "--format=%h of %cs").strip()
    package.documents["events/a.v1.json"] = {"a": 1}
    run_schemas_export(folder)
    commit(folder)
    package.documents["events/a.v1.json"] = {"a": 1, "c": 2}
    run_schemas_export(folder)
    capsys.readouterr()
    assert run_schemas_check(folder) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"events/a.v1.json: $.b: removed (breaks the version of commit {first})",
        "2 documents, compared with 3 versions in the git history: 1 finding.",
    ]


@pytest.mark.parametrize("file_too", [True, False])
def test_a_removed_event_type_is_found(
    folder: Path, package: Declared, capsys: pytest.CaptureFixture[str], file_too: bool
) -> None:
    del package.documents["events/a.v1.json"]
    if file_too:
        (folder / "events/a.v1.json").unlink()
    assert run_schemas_check(folder) == 1
    assert "events/a.v1.json: removed (breaks the version of commit " in capsys.readouterr().out


def test_without_history_it_warns_and_still_finds_drift(
    tmp_path: Path, package: Declared, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    run_schemas_export(tmp_path / "exported")
    assert run_schemas_check(tmp_path / "exported") == 0
    package.documents["c.json"] = {"more": 1}
    assert run_schemas_check(tmp_path / "exported") == 1
    assert capsys.readouterr().err.count("WARNING: The files are only compared with the code") == 2


def test_a_document_that_cannot_be_made_is_a_message(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost() -> dict[str, Any]:
        raise FileNotFoundError("v1 is lost")

    monkeypatch.setattr(declared, "schema_documents", lost)
    assert run_schemas_check(folder) == 1
    assert run_schemas_export(folder) == 1
    assert capsys.readouterr().err == "paystream: v1 is lost\n" * 2
    assert json.loads((folder / "c.json").read_text()) == {}


def test_what_corrects_a_document_is_no_finding(
    folder: Path, package: Declared, capsys: pytest.CaptureFixture[str]
) -> None:
    package.documents["events/a.v1.json"] = {"a": "ü"}
    package.corrections.add(("events/a.v1.json", "$.b: removed"))
    run_schemas_export(folder)
    assert run_schemas_check(folder) == 0

    package.corrections.clear()
    capsys.readouterr()
    assert run_schemas_check(folder) == 1
    assert "events/a.v1.json: $.b: removed" in capsys.readouterr().out
