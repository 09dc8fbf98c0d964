"""The sealer's keys come from the settings, and are never shown."""

import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from event_store.proofs.key_files import write_new_key
from event_store.proofs.note import COSIGNATURE_V1, PrivateKey
from event_store.sealer.keys import sealer_keys
from event_store.sealer.settings import SealerSettings
from infra.errors import WrongSetting

KEY, OTHER = PrivateKey.new("example.com/log"), PrivateKey.new("example.com/log")


def settings(folder: Path, **given: object) -> SealerSettings:
    values = {"database_url": "postgresql://x", "redis_url": "redis://x", "proofs_folder": folder, **given}
    return SealerSettings(_env_file=None, **values)  # type: ignore[arg-type]


def test_in_development_a_key_is_made_once(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "sealer.key"
    (made,) = sealer_keys(settings(tmp_path, sealer_key_file=file))
    assert sealer_keys(settings(tmp_path, sealer_key_file=file)) == [made]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.with_name("sealer.key.pub").read_text() == f"{made.public}\n"


@pytest.mark.parametrize("environment", ["test", "production"])
def test_elsewhere_no_key_is_made(tmp_path: Path, environment: str) -> None:
    with pytest.raises(WrongSetting, match="No such file"):
        sealer_keys(settings(tmp_path, sealer_key_file=tmp_path / "key", app_env=environment))
    assert list(tmp_path.iterdir()) == []


def test_without_a_key_nothing_is_sealed(tmp_path: Path) -> None:
    assert sealer_keys(settings(tmp_path)) == []


def test_while_it_is_changed_there_are_two_keys(tmp_path: Path) -> None:
    both = f"{KEY.written()}, {OTHER.written()}"
    assert sealer_keys(settings(tmp_path, sealer_key=both)) == [KEY, OTHER]
    file = tmp_path / "key"
    file.write_text(f"# new\n{OTHER.written()}\n\n# old\n{KEY.written()}\n")
    assert sealer_keys(settings(tmp_path, sealer_key_file=file)) == [OTHER, KEY]


@pytest.mark.parametrize(
    "key",
    [
        "secret-that-is-no-key",
        KEY.written()[:-4],
        f"{KEY.written()},{PrivateKey.new('example.com/other').written()}",
        PrivateKey.new("example.com/log", COSIGNATURE_V1).written(),
    ],
    ids=["no key", "cut", "two names", "of a witness"],
)
def test_a_key_that_cannot_be_used_is_refused_and_not_shown(tmp_path: Path, key: str) -> None:
    with pytest.raises(WrongSetting) as refused:
        sealer_keys(settings(tmp_path, sealer_key=key))
    assert key[-20:] not in str(refused.value)


def test_an_empty_file_has_no_key(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("# nothing yet\n")
    with pytest.raises(WrongSetting, match="has no key"):
        sealer_keys(settings(tmp_path, sealer_key_file=file))


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    write_new_key("example.com/log", tmp_path / "key")
    with pytest.raises(FileExistsError):
        write_new_key("example.com/log", tmp_path / "key")


def test_a_key_needs_a_folder_to_seal_into(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="PROOFS_FOLDER is not set"):
        settings(tmp_path, proofs_folder=None, sealer_key=KEY.written())


def test_the_settings_do_not_show_the_key(tmp_path: Path) -> None:
    assert KEY.written()[-20:] not in repr(settings(tmp_path, sealer_key=KEY.written()))
