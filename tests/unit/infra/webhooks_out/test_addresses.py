"""Which addresses a merchant may have webhooks sent to."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.webhooks_out.addresses import AddressPolicy, AddressRefused, is_public

PRODUCTION = AddressPolicy(allow_private=False, allow_http=False)
DEVELOPMENT = AddressPolicy(allow_private=True, allow_http=True)

REFUSED = {
    "loopback": "127.0.0.1",
    "loopback elsewhere": "127.8.8.8",
    "private": "10.1.2.3",
    "private 172": "172.16.0.1",
    "private 192": "192.168.1.1",
    "carrier": "100.64.0.1",
    "link-local, metadata": "169.254.169.254",
    "metadata of Alibaba": "100.100.100.200",
    "metadata of Azure": "168.63.129.16",
    "metadata of Oracle": "192.0.0.192",
    "unspecified": "0.0.0.0",
    "this network": "0.1.2.3",
    "multicast": "224.0.0.1",
    "multicast that counts as global": "239.1.1.1",
    "broadcast": "255.255.255.255",
    "reserved": "240.0.0.1",
    "benchmarks": "198.18.0.1",
    "documentation": "192.0.2.1",
    "loopback 6": "::1",
    "unspecified 6": "::",
    "unique local": "fd00::1",
    "metadata of AWS 6": "fd00:ec2::254",
    "link-local 6": "fe80::1",
    "link-local 6 with its zone": "fe80::1%eth0",
    "site-local": "fec0::1",
    "multicast 6": "ff02::1",
    "mapped loopback": "::ffff:127.0.0.1",
    "mapped private": "::ffff:10.0.0.1",
    "mapped metadata": "::ffff:169.254.169.254",
    "mapped, in hexadecimal": "::ffff:a9fe:a9fe",
    "compatible": "::127.0.0.1",
    "6to4 of a private": "2002:0a00:0001::1",
    "NAT64 of a private": "64:ff9b::10.0.0.1",
    "NAT64 of the metadata": "64:ff9b::169.254.169.254",
    "local NAT64": "64:ff9b:1::1",
    "Teredo": "2001:0:4136:e378:8000:63bf:3fff:fdd2",
}


@pytest.mark.parametrize("address", REFUSED.values(), ids=REFUSED)
def test_what_is_not_public_is_refused_unless_a_setting_allows_it(address: str) -> None:
    with pytest.raises(AddressRefused):
        PRODUCTION.check_address(address)
    DEVELOPMENT.check_address(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "172.32.0.1"]
)
def test_what_is_public_is_not(address: str) -> None:
    PRODUCTION.check_address(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_rated_alike_in_every_disguise(address: ipaddress.IPv4Address) -> None:
    for prefix in ("::ffff:", "64:ff9b::"):
        assert is_public(ipaddress.ip_address(f"{prefix}{address}")) == is_public(address)
    if not is_public(address):
        first, second = f"{int(address) >> 16:x}", f"{int(address) & 0xFFFF:x}"
        assert not is_public(ipaddress.ip_address(f"2002:{first}:{second}::1"))


@given(st.ip_addresses())
def test_nothing_private_or_local_is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if address.is_private or address.is_loopback or address.is_link_local or address.is_multicast:
        mapped = getattr(address, "ipv4_mapped", None)
        assert not is_public(address) or mapped is not None


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example/webhooks",
        "https://",
        "https:///path",
        "ftp://shop.example/",
        "shop.example",
        "https://user:password@shop.example/",
        "https://@shop.example/",
        "https://shop.example/#part",
        "https://shop.example:0/",
        "https://shop.example:99999/",
        "https://shop.example:port/",
        "https://[::1/",
        "https://shop.example/ two",
        "https://shop.example/\n",
        "https://shöp.example/",
        "https://localhost/",
        "https://a.localhost/",
        "https://metadata.google.internal/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://127.0.0.1./",
        "https://localhost./",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://shop.example.08/",
        "https://[::ffff:127.0.0.1]/",
        "https://shop.example/" + "a" * 2000,
        "javascript:alert(1)",
        "file:///etc/passwd",
    ],
)
def test_a_url_that_would_be_refused_is_refused_early(url: str) -> None:
    assert PRODUCTION.problem_with(url) is not None


@pytest.mark.parametrize(
    "url", ["https://shop.example", "https://shop.example:8443/a?b=c", "https://8.8.8.8/", "HTTPS://shop.example/"]
)
def test_other_urls_are_taken(url: str) -> None:
    assert PRODUCTION.problem_with(url) is None


def test_development_takes_this_machine_without_tls() -> None:
    assert DEVELOPMENT.problem_with("http://localhost:3000/webhooks") is None


@given(st.text(max_size=100))
def test_no_text_raises(text: str) -> None:
    for policy in (PRODUCTION, DEVELOPMENT):
        assert isinstance(policy.problem_with(text), str | None)
        assert isinstance(policy.problem_with(f"https://{text}"), str | None)


@pytest.mark.parametrize(
    "host",
    ["%00.example", "a" * 64 + ".example", ".".join(["abc"] * 70), "a..example", "-a.example", "a_b!.example", "."],
)
@pytest.mark.parametrize("policy", [PRODUCTION, DEVELOPMENT])
def test_what_is_no_name_of_a_host_is_refused(policy: AddressPolicy, host: str) -> None:
    assert policy.problem_with(f"https://{host}/webhooks") is not None


@pytest.mark.parametrize("host", ["shop.example", "xn--bcher-kva.example", "a_b.example", "a-b.example.", "1a.example"])
def test_names_of_hosts_are_taken(host: str) -> None:
    assert PRODUCTION.problem_with(f"https://{host}/webhooks") is None
