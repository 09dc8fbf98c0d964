"""Every version that a file had is found, and what cannot be found is said."""

import json
import subprocess
from pathlib import Path

import pytest

from infra.schema_documents.git_history import past_versions


class Repository:
    """A git repository with a folder of exported files. Its commits depend on nothing of this machine's."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.exported = path / "schemas of ours" / "exported"
        self.exported.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        return subprocess.run(
            ["git", *identity, *arguments], cwd=self.path, check=True, capture_output=True, text=True
        ).stdout.strip()

    def write(self, name: str, text: str) -> None:
        file = self.exported / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=x")
        return self.git("log", "-1", "--abbrev=10", "--format=%h of %cs")

    def commit_of(self, name: str, document: object) -> str:
        self.write(name, json.dumps(document))
        return self.commit()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, "/dev/null")
    return Repository(tmp_path / "repository")


def test_each_version_is_found_with_the_commit_that_made_it(repository: Repository) -> None:
    first = repository.commit_of("events/a b.v1.json", [1, "\u00fc\n"])
    repository.write("readme.md", "not a document")
    repository.commit()
    second = repository.commit_of("events/a b.v1.json", [2])
    third = repository.commit_of("b.json", [3])
    (repository.exported / "events/a b.v1.json").unlink()
    repository.commit()

    history = past_versions(repository.exported)

    assert history.notices == []
    found = {(version.path, version.commit, str(version.document)) for version in history.versions}
    assert found == {
        ("events/a b.v1.json", first, "[1, 'ü\\n']"),
        ("events/a b.v1.json", second, "[2]"),
        ("b.json", third, "[3]"),
    }


def test_the_newest_version_comes_first_and_one_that_came_back_once(repository: Repository) -> None:
    for number in (1, 2, 1):
        repository.commit_of("a.json", number)
    assert [version.document for version in past_versions(repository.exported).versions] == [1, 2]


def test_a_version_on_a_branch_that_came_to_nothing_is_found(repository: Repository) -> None:
    repository.commit_of("a.json", 1)
    repository.git("switch", "--quiet", "--create", "side")
    repository.commit_of("a.json", 2)
    repository.commit_of("a.json", 1)
    repository.git("switch", "--quiet", "main")
    repository.commit_of("b.json", 3)
    repository.git("merge", "--quiet", "--no-edit", "side")
    found = {version.document for version in past_versions(repository.exported).versions}
    assert found == {1, 2, 3}


def test_a_version_that_only_a_merge_made_is_found(repository: Repository) -> None:
    repository.commit_of("a.json", 1)
    repository.git("switch", "--quiet", "--create", "side")
    repository.commit_of("a.json", 2)
    repository.git("switch", "--quiet", "main")
    repository.commit_of("b.json", 3)
    repository.git("merge", "--quiet", "--no-commit", "side")
    repository.commit_of("a.json", 4)
    found = {version.document for version in past_versions(repository.exported).versions}
    assert found == {1, 2, 3, 4}


def test_the_history_is_there_when_the_folder_is_gone(repository: Repository) -> None:
    repository.commit_of("a.json", 1)
    (repository.exported / "a.json").unlink()
    repository.exported.rmdir()
    assert [version.document for version in past_versions(repository.exported).versions] == [1]


def test_a_shallow_clone_says_so_and_gives_what_it_has(repository: Repository, tmp_path: Path) -> None:
    repository.commit_of("a.json", 1)
    repository.commit_of("a.json", 2)
    repository.git("clone", "--quiet", "--depth=1", repository.path.as_uri(), str(tmp_path / "clone"))
    history = past_versions(tmp_path / "clone" / "schemas of ours" / "exported")
    assert [version.document for version in history.versions] == [2]
    assert len(history.notices) == 1
    assert "shallow clone" in history.notices[0]


def test_a_version_that_is_not_json_is_named_and_the_others_are_there(repository: Repository) -> None:
    repository.write("a.json", "{")
    broken = repository.commit()
    repository.commit_of("a.json", {})
    history = past_versions(repository.exported)
    assert [version.document for version in history.versions] == [{}]
    assert history.notices == [f"a.json of commit {broken} is not JSON and was not compared"]


def test_without_a_commit_of_the_files_it_says_so(repository: Repository) -> None:
    assert "failed" in past_versions(repository.exported).notices[0]  # no commit at all
    (repository.path / "other").write_text("x")
    repository.commit()
    history = past_versions(repository.exported)
    assert history.versions == []
    assert history.notices[0].endswith("the git history has none of them")


def test_outside_of_a_repository_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    history = past_versions(tmp_path / "exported")
    assert history.versions == []
    assert "not a git repository" in history.notices[0]


def test_without_git_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    history = past_versions(tmp_path / "exported")
    assert history.versions == []
    assert "git cannot be run" in history.notices[0]
