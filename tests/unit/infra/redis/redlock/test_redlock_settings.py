from pathlib import Path

import pytest

from infra.redis.redlock import RedlockSettings
from infra.settings.loading import load_settings


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # where there is no .env
    monkeypatch.delenv("REDLOCK_URLS", raising=False)
    monkeypatch.setenv("REDIS_URL", "redis://:secret@one:6379/0")


def urls() -> list[str]:
    return [url.get_secret_value() for url in load_settings(RedlockSettings).redlock_urls]


def test_without_servers_of_its_own_the_one_redis_is_the_lock_server() -> None:
    assert urls() == ["redis://:secret@one:6379/0"]


def test_servers_are_a_list_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDLOCK_URLS", "redis://a:6379/0, rediss://:p@b:6380/1 ,redis://c")
    assert urls() == ["redis://a:6379/0", "rediss://:p@b:6380/1", "redis://c"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("redis://:pw/d@a,redis://b", "must be a list like"),
        ("redis://a,http://b", "must be a list like"),
        ("redis://a:6379/0,redis://:pw@a/1", "names a server twice"),
        ("unix:///run/redis.sock?db=1,unix:///run/redis.sock", "names a server twice"),
    ],
)
def test_wrong_servers_are_refused_without_showing_them(
    value: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REDLOCK_URLS", value)
    with pytest.raises(SystemExit):
        urls()
    shown = capsys.readouterr().err
    assert says in shown
    assert "pw" not in shown
