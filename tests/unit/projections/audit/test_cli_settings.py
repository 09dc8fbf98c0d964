"""What the audit commands say of settings that they cannot do without, and of folders that are not there."""

from pathlib import Path

import pytest

from event_store.proofs.key_files import write_new_key
from event_store.replay.files import EventFile
from event_store.replay.reading import Selection
from projections.audit.cli_archive import ArchiveRequest, run_archive
from projections.audit.cli_check import run_new_key
from projections.audit.cli_proofs import VerifyRequest, run_prove, run_verify

REQUEST = ArchiveRequest(dry_run=True, older_than_days=None, actor="operator:a")
VERIFY = VerifyRequest(full=False, since=None, checkpoints=(), keys=(), witnesses=(), quorum=None, as_json=False)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder without settings but the addresses of databases, where nothing is asked."""
    monkeypatch.chdir(tmp_path)
    for name in ("ARCHIVE_FOLDER", "PROOFS_FOLDER", "PROOFS_BUCKET", "PROOFS_PUBLIC_KEYS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    for name in ("MIGRATION_DATABASE_URL", "AUDIT_DATABASE_URL"):
        monkeypatch.setenv(name, "postgresql://nobody@127.0.0.1:1/none")


@pytest.mark.parametrize(
    ("there", "lacks"),
    [
        ((), "ARCHIVE_FOLDER is not set"),
        (("ARCHIVE_FOLDER",), "neither PROOFS_FOLDER nor PROOFS_BUCKET is set"),
        (("ARCHIVE_FOLDER", "PROOFS_FOLDER"), "PROOFS_PUBLIC_KEYS_FILE is not set"),
    ],
    ids=["no folder", "no tiles", "no keys"],
)
def test_an_archive_without_a_setting_is_code_2_and_names_it(
    there: tuple[str, ...],
    lacks: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in there:
        monkeypatch.setenv(name, str(tmp_path))
    assert run_archive(REQUEST) == 2
    assert capsys.readouterr().err.startswith(f"paystream: {lacks}")


def test_proofs_without_their_tiles_are_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert (run_verify(VERIFY), run_prove("x", Path())) == (2, 2)
    assert capsys.readouterr().err.count("neither PROOFS_FOLDER nor PROOFS_BUCKET is set") == 2


def test_no_command_makes_the_folder_of_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(FileNotFoundError):
        EventFile(tmp_path / "none" / "may.jsonl", Selection(after=0, up_to=1))
    with pytest.raises(FileNotFoundError):
        write_new_key("log.example/a", tmp_path / "none" / "a.key")
    assert run_new_key("log.example/a", tmp_path / "none" / "a.key") == 1
    assert "none/a.key cannot be written: No such file or directory" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
