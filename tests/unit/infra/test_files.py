"""A file is there when it is whole: until then one that was there stays."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from infra.files import whole_file

KILLED = """
import os, signal, sys
from pathlib import Path
from infra.files import whole_file
with whole_file(Path(sys.argv[1])) as path:
    path.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_is_written_becomes_the_file_with_the_rights_it_had(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    output.write_text("old")
    output.chmod(0o640)
    with whole_file(output) as path:
        path.write_text("new")
        assert output.read_text() == "old"
    assert output.read_text() == "new"
    assert stat.S_IMODE(output.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [output]


def test_a_failure_in_the_middle_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    output.write_text("old")
    with pytest.raises(UnicodeEncodeError), whole_file(output) as path:
        path.write_text("half" + "\ud800", "utf-8")
    assert output.read_text() == "old"
    assert list(tmp_path.iterdir()) == [output]


def test_a_process_that_is_killed_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    output.write_text("old")
    subprocess.run([sys.executable, "-c", KILLED, str(output)], check=False)
    assert output.read_text() == "old"


def test_of_a_link_the_file_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    output, link = tmp_path / "out.csv", tmp_path / "link.csv"
    output.write_text("old")
    link.symlink_to(output)
    with whole_file(link) as path:
        path.write_text("new")
    assert link.is_symlink()
    assert output.read_text() == "new"


def test_a_device_is_written_to_and_never_replaced() -> None:
    with whole_file(Path("/dev/null")) as path:
        path.write_text("gone")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_a_directory_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), whole_file(tmp_path):
        pytest.fail("nothing can be written there")


def test_an_error_names_the_file_as_it_was_given(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left on device") as full, whole_file(Path("/dev/full")) as path:
        path.write_text("too much")
    assert full.value.filename == "/dev/full"
    with pytest.raises(FileNotFoundError) as missing, whole_file(tmp_path / "none" / "out.csv") as path:
        path.write_text("lost")
    assert missing.value.filename == str(tmp_path / "none" / "out.csv")
    with pytest.raises(IsADirectoryError) as folder, whole_file(tmp_path):
        pytest.fail("nothing can be written there")
    assert (folder.value.filename, folder.value.strerror) == (str(tmp_path), "Is a directory")
