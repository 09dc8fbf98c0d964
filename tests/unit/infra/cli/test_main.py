"""The program: an output that cannot be written is said in a line, whichever command writes it."""

import subprocess
import sys
from pathlib import Path

PAYSTREAM = [sys.executable, "-c", "from infra.cli import main; main()"]
LONG = """
import sys
from infra.cli import app, main
app.run_app = lambda: [print("line " * 20) for _ in range(100_000)]
main()
"""


def test_a_full_output_is_told_without_a_traceback() -> None:
    for command in ([*PAYSTREAM, "--help"], [sys.executable, "-c", LONG]):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert (done.returncode, done.stderr) == (2, "paystream: the standard output: No space left on device\n")


def test_a_reader_that_goes_away_is_no_error_to_speak_of() -> None:
    command = [sys.executable, "-c", LONG]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    script = """
from pathlib import Path
from infra.cli import app, main
app.run_app = lambda: Path("none/out").write_text("lost")
main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "paystream: none/out: No such file or directory\n")
