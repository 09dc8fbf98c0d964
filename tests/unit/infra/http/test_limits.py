"""Who counts as one client, and how many connections it may have."""

import resource

import pytest

from infra.http.limits import Connections, HttpLimits, address_of
from infra.settings.process import ProcessSettings


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("a socket's path", "a socket's path"),
    ],
)
def test_a_network_of_one_customer_is_one_address(host: str, address: str) -> None:
    assert address_of(host) == address


def test_an_address_and_all_of_them_have_a_bound() -> None:
    connections = Connections(HttpLimits(max_connections=3, max_connections_per_address=2))
    assert [connections.admit(each) for each in "aaabb"] == [True, True, False, True, False]
    connections.leave("a")
    assert [connections.admit(each) for each in "ab"] == [True, False]


def test_connections_leave_files_for_everything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    assert HttpLimits.from_settings(ProcessSettings()).max_connections == 1024 - 128
    assert HttpLimits.from_settings(ProcessSettings(http_max_connections=5)).max_connections == 5
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert HttpLimits.from_settings(ProcessSettings()).max_connections == 2000
