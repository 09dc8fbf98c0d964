"""Which time zones are taken: those of the IANA time zone database, on every machine the same."""

from zoneinfo import ZoneInfo

import pytest

from infra.settings import reconciliation
from infra.settings.reconciliation import zone_named


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+12"])
def test_a_name_of_the_database_is_its_zone(name: str) -> None:
    assert zone_named(name) == ZoneInfo(name)


@pytest.mark.parametrize("name", ["", "Nowhere", "../etc/passwd", "Europe", "+01:00"])
def test_any_other_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="must be a name like Europe/Berlin or UTC"):
        zone_named(name)


@pytest.mark.parametrize("name", ["localtime", "posixrules", "posix/UTC", "right/UTC"])
def test_what_a_machine_has_beside_it_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciliation, "ZoneInfo", lambda _: ZoneInfo("UTC"))  # as if this machine had it
    with pytest.raises(ValueError, match="must be a name like Europe/Berlin or UTC"):
        zone_named(name)
