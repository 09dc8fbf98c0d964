"""What is made of pip-audit's answers: above all, that what was not looked up is not called well."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.dependency_audit import LOCK, Audited, audit, main, read

WELL = {"name": "idna", "version": "3.7", "vulns": []}
SKIPPED = {"name": "ours", "skip_reason": "Dependency not found on PyPI and could not be audited: ours (1.0)"}
FAULT = {"id": "PYSEC-2026-1", "fix_versions": ["3.8"], "aliases": ["CVE-2026-1"], "description": "..."}


def answer(*dependencies: dict[str, Any]) -> str:
    return json.dumps({"dependencies": dependencies, "fixes": []})


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    file = tmp_path / "lock.txt"
    file.write_text("# made by\nidna==3.7 \\\n    --hash=sha256:aa\nours==1.0 \\\n    --hash=sha256:bb\n")
    return file


def program(folder: Path, *answers: str, code: int = 0, errors: str = "") -> str:
    """A pip-audit that gives these answers, one after the other."""
    for number, each in enumerate(answers):
        (folder / f"answer{number}").write_text(each)
    script = folder / "pip-audit"
    script.write_text(
        f'#!/bin/sh\ncd {folder}\nn=$(cat n 2>/dev/null || echo 0)\necho $((n + 1)) > n\ncat "answer$n"\n'
        f'printf "%s" "{errors}" >&2\nexit {code}\n'
    )
    script.chmod(0o755)
    return str(script)


def test_everything_that_was_looked_up_and_is_well_is_not_mentioned(tmp_path: Path, lock: Path) -> None:
    found = audit(program(tmp_path, answer(WELL), answer(WELL, WELL)), lock)
    assert (found, found.unaudited) == (Audited(), "")


def test_a_fault_is_named_with_its_correction() -> None:
    found = read(answer(WELL, WELL | {"vulns": [FAULT, FAULT | {"fix_versions": []}]}), "Found 2 known")
    assert found.faults == (
        "idna 3.7: PYSEC-2026-1, corrected in 3.8",
        "idna 3.7: PYSEC-2026-1, corrected in none",
    )


def test_an_index_without_data_is_asked_for_one_package_alone(tmp_path: Path, lock: Path) -> None:
    """pip-audit itself says "No known vulnerabilities found" of this, with exit code 0."""
    found = audit(program(tmp_path, answer(SKIPPED), "unused", errors="No known vulnerabilities found"), lock)
    assert found.unaudited == "the package index here has no data on faults"
    assert (tmp_path / "n").read_text() == "1\n"


def test_a_single_package_that_was_not_found_is_named(tmp_path: Path, lock: Path) -> None:
    found = audit(program(tmp_path, answer(WELL), answer(WELL, SKIPPED)), lock)
    assert found.unaudited == "the package index here knows nothing of 1 of them: ours"


@pytest.mark.parametrize("output", ["", "{}", "[]", "not JSON"])
def test_what_is_no_answer_says_why(output: str) -> None:
    found = read(output, "Traceback\nConnectionError: Name or service not known\n")
    assert found.unaudited == "pip-audit failed: ConnectionError: Name or service not known"


def test_it_does_not_wait_for_ever(tmp_path: Path, lock: Path) -> None:
    script = tmp_path / "pip-audit"
    script.write_text("#!/bin/sh\nexec sleep 60\n")
    script.chmod(0o755)
    assert audit(str(script), lock, timeout_s=0.1).unaudited == "no answer within 0.1 s"
    assert "cannot be run" in audit(os.fspath(tmp_path / "none"), lock).unaudited


def test_only_a_fault_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert LOCK.is_file()
    assert main([program(tmp_path, answer(SKIPPED))]) == 0
    assert capsys.readouterr().out.startswith("Dependencies were not audited: ")
    (tmp_path / "n").unlink()
    faulty = answer(WELL | {"vulns": [FAULT]})
    assert main([program(tmp_path, answer(WELL), faulty, code=1)]) == 1
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "idna 3.7: PYSEC-2026-1, corrected in 3.8\n")
