import hashlib
import re

import pytest

from event_store.access.secrets import draw_key
from infra.access.keyring import PREFIX_CHARS
from infra.log_render import mask_text


@pytest.mark.parametrize(("is_production", "kind"), [(True, "live"), (False, "test")])
def test_a_key_is_a_kind_a_part_to_show_and_a_secret(is_production: bool, kind: str) -> None:
    secret = draw_key(is_production=is_production)
    assert re.fullmatch(rf"psk_{kind}_[A-Za-z0-9]{{40}}", secret.key)
    assert secret.prefix == secret.key[:PREFIX_CHARS]
    assert secret.sha256 == hashlib.sha256(secret.key.encode()).hexdigest()
    assert secret.key[PREFIX_CHARS:] not in repr(secret)
    assert secret.key[PREFIX_CHARS:] not in mask_text(f"a log line with {secret.key} in it")


def test_no_two_keys_are_alike() -> None:
    keys = [draw_key(is_production=True) for _ in range(200)]
    assert len({each.key for each in keys}) == len({each.prefix for each in keys}) == len(keys)
