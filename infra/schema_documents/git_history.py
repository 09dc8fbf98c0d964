"""Reads every version that the JSON files of a folder ever had, from the git repository that holds it."""

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NONE = "The files are only compared with the code, not with their earlier versions: "
_LONG_TIME_S = 120
_SHORT = 10  # characters of a commit's name


@dataclass(frozen=True, kw_only=True, slots=True)
class PastVersion:
    """A file's content as `commit` (abbreviated, with its day) left it. `path` is relative to the folder."""

    path: str
    commit: str
    document: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """The versions, newest first, and what a person has to know when they are not all there are."""

    versions: list[PastVersion]
    notices: list[str]


class _GitFailed(Exception):
    """Git is not there or does not do what it was asked; the text is its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Blob:
    path: str
    commit: str
    name: str


def past_versions(folder: Path) -> History:
    """Return every version of the folder's JSON files that HEAD descends from, side branches included."""
    parent = folder.resolve().parent  # the folder itself may have been removed
    try:
        shallow = _git(parent, "rev-parse", "--is-shallow-repository").strip() == b"true"
        root = Path(_git(parent, "rev-parse", "--show-toplevel").decode().removesuffix("\n"))
        log = _git(
            parent,
            # A merge is compared with each parent, and no branch is left out because it came to nothing in the end.
            *("log", "--full-history", "-m", "--raw", "--no-renames", "--no-abbrev"),
            *("--format=commit %H %cs", "-z", "HEAD", "--", folder.name),
        )
        blobs = _blobs(log.decode(), parent.relative_to(root) / folder.name)
        contents = _contents(parent, blobs)
    except _GitFailed as failed:
        return History(versions=[], notices=[f"{_NONE}{failed}"])
    notices = [f"{_NONE}the git history has none of them"] if not blobs else []
    if shallow:
        notices = [
            "The git history is cut off (a shallow clone): older versions are not compared; git fetch --unshallow"
        ]
    versions, broken = [], []
    for blob, content in zip(blobs, contents, strict=True):
        try:
            versions.append(PastVersion(path=blob.path, commit=blob.commit, document=json.loads(content)))
        except ValueError:
            broken.append(f"{blob.path} of commit {blob.commit} is not JSON and was not compared")
    return History(versions=versions, notices=notices + broken)


def _blobs(log: str, folder: Path) -> list[_Blob]:
    """Read `git log --raw -z`: `commit ...`, then for each changed file `:modes blobs status` and its path."""
    found: dict[tuple[str, str], _Blob] = {}
    commit = ""
    fields = iter(log.split("\0"))
    for field in fields:
        text = field.lstrip("\n")
        if text.startswith("commit "):
            _, name, day = text.split(" ")
            commit = f"{name[:_SHORT]} of {day}"
        elif text.startswith(":"):
            blob, status = text.split(" ")[3:5]
            path = Path(next(fields))
            if status != "D" and path.suffix == ".json":
                relative = path.relative_to(folder).as_posix()
                found.setdefault((relative, blob), _Blob(path=relative, commit=commit, name=blob))
    return list(found.values())


def _contents(folder: Path, blobs: Iterable[_Blob]) -> list[bytes]:
    """Return the contents in the order of the blobs, by one `git cat-file --batch`: a head line, then the content."""
    output = _git(folder, "cat-file", "--batch", stdin="".join(f"{blob.name}\n" for blob in blobs).encode())
    contents = []
    at = 0
    while at < len(output):
        head_end = output.index(b"\n", at)
        size = int(output[at:head_end].split(b" ")[2])
        contents.append(output[head_end + 1 : head_end + 1 + size])
        at = head_end + size + 2
    return contents


def _git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    try:
        done = subprocess.run(  # noqa: S603  # our own arguments, no shell
            ["git", *arguments],  # noqa: S607  # whichever git the developer uses
            cwd=folder,
            input=stdin,
            capture_output=True,
            check=False,
            timeout=_LONG_TIME_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _GitFailed(f"git cannot be run: {error}") from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise _GitFailed(f"git {arguments[0]} failed: {said[0] if said else f'exit code {done.returncode}'}")
    return done.stdout
