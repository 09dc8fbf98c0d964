"""What is said about a port that cannot be had."""

import errno
import os

import pytest

from infra.embedded import ports
from infra.embedded.errors import PortInUse
from infra.embedded.ports import check_free


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
