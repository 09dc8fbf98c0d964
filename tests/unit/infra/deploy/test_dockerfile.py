"""The Dockerfile is as hadolint wants it, and small: what builds the image is not in it."""

import re
import subprocess
import sys
from pathlib import Path

from tests.support.compose_file import ROOT

FILE = ROOT / "infra/deploy/docker/Dockerfile"


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    argv = [str(hadolint), "--no-color", "--failure-threshold", "style", str(FILE)]
    checked = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_the_image_has_what_was_installed_and_not_what_installs() -> None:
    build, final = FILE.read_text("utf-8").split("\nFROM ")[-2:]
    assert build.splitlines()[0].endswith(" AS build")
    copied = re.findall(r"^COPY (.+)$", final, re.MULTILINE)
    assert copied == ["--from=build /opt/paystream /opt/paystream"]
    assert "pip" not in final


def test_both_stages_are_of_one_image_that_is_slim_and_names_its_release() -> None:
    images = set(re.findall(r"^FROM (\S+)", FILE.read_text("utf-8"), re.MULTILINE))
    (image,) = images
    assert re.fullmatch(r"python:3\.\d+-slim-[a-z]+", image)
