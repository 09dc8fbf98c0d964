"""The lock files must work for everybody: no address, no path, a hash for each package, one version of each."""

import re
from pathlib import Path

import pytest

_FOLDER = Path(__file__).parents[3] / "requirements"
_NAMES = ("base.txt", "run.txt", "dev.txt")


def pins(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (_FOLDER / name).read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", _NAMES)
def test_names_no_host_and_no_path(name: str) -> None:
    text = (_FOLDER / name).read_text()
    assert re.search(r"https?:|file:|--index-url|--extra-index-url|--find-links|--trusted-host", text) is None
    assert not [line for line in text.splitlines() if line.startswith(("/", "-", "."))]


@pytest.mark.parametrize("name", _NAMES)
def test_every_package_has_a_hash(name: str) -> None:
    blocks = re.split(r"^(?=[a-z0-9])", (_FOLDER / name).read_text(), flags=re.MULTILINE)[1:]
    assert len(blocks) == len(pins(name)) > 0
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_three_agree() -> None:
    base, run, dev = (pins(name) for name in _NAMES)
    assert base.items() <= run.items() <= dev.items()
