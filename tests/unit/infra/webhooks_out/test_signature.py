"""Signatures as the specification has them."""

import base64
import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.webhooks_out.rotation import MOST_SECRETS
from infra.webhooks_out.signature import new_secret, sign, signed_headers
from tests.unit.docs.webhook_examples import load_python_example

EXAMPLE = load_python_example()

# Of the specification's libraries, and of Svix' documents, which it comes from.
VECTORS = [
    (
        "whsec_plJ3nmyCDGBKInavdOK15jsl",
        "msg_loFOjxBNrRLzqYUf",
        1731705121,
        b'{"event_type":"ping","data":{"success":true}}',
        "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
    ),
    (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
]


@pytest.mark.parametrize(("secret", "message_id", "timestamp", "body", "signature"), VECTORS)
def test_it_signs_as_the_specification_does(
    secret: str, message_id: str, timestamp: int, body: bytes, signature: str
) -> None:
    assert sign(secret, message_id, timestamp, body) == signature


@given(body=st.binary(max_size=2000), timestamp=st.integers(0, 2**33), count=st.integers(1, MOST_SECRETS))
def test_whoever_has_one_of_the_secrets_can_verify(body: bytes, timestamp: int, count: int) -> None:
    secrets = [new_secret() for _ in range(count)]
    headers = signed_headers(secrets, "msg_1", timestamp, body)
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        expected = hmac.new(key, f"msg_1.{timestamp}.".encode() + body, hashlib.sha256).digest()
        assert f"v1,{base64.b64encode(expected).decode()}" in headers["webhook-signature"].split(" ")
    assert headers["webhook-id"] == "msg_1"
    assert headers["webhook-timestamp"] == str(timestamp)


@given(
    changed=st.sampled_from(("body", "webhook-id", "webhook-timestamp", "secret")),
    data=st.binary(min_size=1, max_size=50),
)
def test_what_was_altered_is_refused_by_the_example(changed: str, data: bytes) -> None:
    secret, body, at = new_secret(), b'{"type": "x"}', 1_777_630_000
    headers: dict[str, Any] = dict(signed_headers([secret], "msg_1", at, body))
    assert EXAMPLE.verify(secret, headers, body, now=at) == {"type": "x"}
    match changed:
        case "body":
            body += data
        case "secret":
            secret = new_secret()
        case "webhook-timestamp":
            headers[changed] = str(at + 1)
        case _:
            headers[changed] += data.hex()
    with pytest.raises(ValueError, match="no signature fits"):
        EXAMPLE.verify(secret, headers, body, now=at)


@pytest.mark.parametrize("age_s", [301, -301])
def test_what_is_old_is_refused_by_the_example(age_s: int) -> None:
    secret, at = new_secret(), 1_777_630_000
    headers = signed_headers([secret], "msg_1", at, b"{}")
    with pytest.raises(ValueError, match="too old"):
        EXAMPLE.verify(secret, headers, b"{}", now=at + age_s)


def test_secrets_have_the_form_and_are_new_each_time() -> None:
    found = {new_secret() for _ in range(50)}
    assert len(found) == 50
    for secret in found:
        assert secret.startswith("whsec_")
        assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64
