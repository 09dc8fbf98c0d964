"""What is said about a port that cannot be had."""

import errno
import os

import pytest

from infra.embedded import ports
from infra.embedded.errors import PortInUse
from infra.embedded.ports import check_free, free_port


@pytest.mark.parametrize(
    ("port", "number", "words", "remedy"),
    [
        (8000, errno.EADDRINUSE, "in use by another program. Stop that program, or choose", "=8100 make run"),
        (65500, errno.EADDRINUSE, "in use by another program", "=65400 make run"),
        (80, errno.EACCES, "kept for root by this machine. Choose another port", "=8080 make run"),
    ],
)
def test_the_reason_and_a_port_that_can_be_had_are_named(
    monkeypatch: pytest.MonkeyPatch, port: int, number: int, words: str, remedy: str
) -> None:
    refusal = OSError(number, os.strerror(number))
    monkeypatch.setattr(ports, "_refusal", lambda _: refusal)
    with pytest.raises(PortInUse, match=words) as refused:
        check_free(port, used_for="Command API", variable="COMMAND_API_PORT")
    assert str(refused.value).endswith(f"COMMAND_API_PORT{remedy}")


@pytest.fixture
def every_port_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda _: True)
    monkeypatch.setattr(ports, "_handed_out", set())


@pytest.mark.usefixtures("every_port_is_free")
def test_ports_come_from_the_range_that_is_set_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYSTREAM_PORT_RANGE", "20000-20003")
    assert sorted(free_port() for _ in range(3)) == [20000, 20001, 20002]
    with pytest.raises(PortInUse, match="No free port between 20000 and 20003"):
        free_port()


@pytest.mark.usefixtures("every_port_is_free")
@pytest.mark.parametrize("wrong", ["20000", "20003-20000", "a-b", "0-100", "20000-70000", "-"])
def test_a_range_that_is_none_is_refused_not_ignored(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("PAYSTREAM_PORT_RANGE", wrong)
    with pytest.raises(ValueError, match="PAYSTREAM_PORT_RANGE"):
        free_port()
