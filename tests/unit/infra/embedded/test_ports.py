"""What is said about a port that cannot be had."""

import errno
import os

import pytest

from infra.embedded import ports
from infra.embedded.errors import PortInUse, PortRangeInvalid
from infra.embedded.ports import FixedPort, check_free, free_port, in_range


def _refuse(monkeypatch: pytest.MonkeyPatch, numbers: dict[int, int]) -> None:
    def refusal(port: int) -> OSError | None:
        number = numbers.get(port)
        return None if number is None else OSError(number, os.strerror(number))

    monkeypatch.setattr(ports, "_refusal", refusal)


def _fixed(number: int, variable: str = "COMMAND_API_PORT", used_for: str = "Command API") -> FixedPort:
    return FixedPort(number=number, used_for=used_for, variable=variable)


@pytest.mark.parametrize(
    ("port", "number", "words", "remedy"),
    [
        (
            8000,
            errno.EADDRINUSE,
            "in use by another program. Stop what has it, or choose another port",
            "=8100 make run",
        ),
        (65500, errno.EADDRINUSE, "in use by another program", "=65400 make run"),
        (80, errno.EACCES, "kept for root by this machine. Choose another port", "=8080 make run"),
    ],
)
def test_the_reason_and_a_port_that_can_be_had_are_named(
    monkeypatch: pytest.MonkeyPatch, port: int, number: int, words: str, remedy: str
) -> None:
    _refuse(monkeypatch, {port: number})
    with pytest.raises(PortInUse, match=words) as refused:
        check_free([_fixed(port)])
    assert str(refused.value).endswith(f"COMMAND_API_PORT{remedy}")


def test_all_ports_that_are_taken_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    _refuse(monkeypatch, {8000: errno.EADDRINUSE, 8003: errno.EADDRINUSE})
    fixed = [
        _fixed(8000),
        _fixed(8001, "QUERY_API_PORT", "Query API"),
        _fixed(8003, "BACK_OFFICE_PORT", "Back office"),
    ]
    with pytest.raises(PortInUse, match=r"Port 8000, wanted for Command API, .* Port 8003, wanted for Back") as refused:
        check_free(fixed)
    assert str(refused.value).endswith("for example: COMMAND_API_PORT=8100 BACK_OFFICE_PORT=8103 make run")


def test_free_ports_are_no_reason_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    _refuse(monkeypatch, {})
    check_free([_fixed(8000), _fixed(8001)])


def test_a_port_outside_the_range_that_is_set_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAYSTREAM_PORT_RANGE", raising=False)  # a worker of the tests has one
    assert in_range(19_000)
    monkeypatch.setenv("PAYSTREAM_PORT_RANGE", "20000-20003")
    assert [port for port in range(19_999, 20_005) if in_range(port)] == [20_000, 20_001, 20_002]


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
    with pytest.raises(PortRangeInvalid, match="PAYSTREAM_PORT_RANGE"):
        free_port()
