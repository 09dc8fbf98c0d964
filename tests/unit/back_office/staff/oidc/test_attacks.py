"""What nobody comes in with: each is refused with a page, a reason in the log, and no session."""

import time
from typing import Any

import httpx
import pytest

from tests.support.html_page import HtmlPage
from tests.support.oidc_provider import EcKey, RsaKey, base64url, hs256, jws
from tests.unit.back_office.staff.oidc.conftest import ISSUER, OFFICE, SignOnOffice, sign_on_settings

CALLBACK = "/login/oidc/callback"


async def refused(sign_on: SignOnOffice, answer: httpx.Response, said: str) -> None:
    """See that it is refused, and that the page offers to begin again."""
    assert answer.status_code == 403, answer.text
    page = HtmlPage(answer.text)
    assert said in page.text
    assert [link for link in page.links if link.startswith("/login/oidc?next=")]
    assert page.form("/login").fields["name"] == ""
    assert not await sign_on.is_in()
    assert sign_on.office.command_api.sign_ins == []


async def test_a_state_that_nobody_was_given_is_refused(sign_on: SignOnOffice) -> None:
    back = httpx.URL(await sign_on.at_provider(await sign_on.begin()))
    answer = await sign_on.office.browser.get(back.copy_set_param("state", "guessed"))
    await refused(sign_on, answer, "was begun in another browser")
    assert "token" not in sign_on.provider.requested, "the code is not even tried"


async def test_a_callback_that_somebody_else_began_logs_nobody_in(sign_on: SignOnOffice) -> None:
    """Log-in CSRF: the attacker's own log-in, of which the victim is made to open the last address."""
    back = await sign_on.at_provider(await sign_on.begin())
    sign_on.office.browser.cookies.clear()
    await refused(sign_on, await sign_on.office.browser.get(back), "was begun in another browser")
    await sign_on.begin()  # the victim has begun one too
    await refused(sign_on, await sign_on.office.browser.get(back), "was begun in another browser")
    assert "token" not in sign_on.provider.requested


async def test_a_callback_opens_once(sign_on: SignOnOffice) -> None:
    begun = await sign_on.begin()
    browser = sign_on.office.browser
    secret = browser.cookies["paystream_oidc"]
    back = await sign_on.at_provider(begun)
    assert (await browser.get(back)).status_code == 200
    assert await sign_on.is_in()
    sign_on.office.command_api.sign_ins.clear()
    browser.cookies.clear()
    browser.cookies.set("paystream_oidc", secret, domain="office.test")
    await refused(sign_on, await browser.get(back), "or was used before")
    assert sign_on.provider.requested.count("token") == 1


async def test_a_callback_that_failed_opens_nothing_afterwards(sign_on: SignOnOffice) -> None:
    begun = await sign_on.begin()
    secret = sign_on.office.browser.cookies["paystream_oidc"]
    back = await sign_on.at_provider(begun)
    sign_on.network.down = {"/token"}
    assert (await sign_on.office.browser.get(back)).status_code == 503
    sign_on.network.down = set()
    sign_on.office.browser.cookies.set("paystream_oidc", secret, domain="office.test")
    await refused(sign_on, await sign_on.office.browser.get(back), "or was used before")


async def test_a_log_in_waits_for_ten_minutes(sign_on: SignOnOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    back = await sign_on.at_provider(await sign_on.begin())
    now = time.monotonic()
    assert sign_on.office.office.sign_on is not None
    monkeypatch.setattr(sign_on.office.office.sign_on.waiting, "_now", lambda: now + 602)
    await refused(sign_on, await sign_on.office.browser.get(back), "more than ten minutes ago")


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"nonce": "of another log-in"}, "claim nonce"),
        ({"nonce": None}, "claim nonce"),
        ({"aud": "another-client"}, "claim aud"),
        ({"aud": ["another-client"]}, "claim aud"),
        ({"aud": []}, "claim aud"),
        ({"aud": None}, "claim aud"),
        ({"aud": ["back-office", "another-client"]}, "claim azp"),
        ({"aud": ["back-office", "another-client"], "azp": "another-client"}, "claim azp"),
        ({"azp": "another-client"}, "claim azp"),
        ({"iss": "https://id.test/another-realm"}, "claim iss"),
        ({"iss": ISSUER + "/"}, "claim iss"),
        ({"iss": None}, "claim iss"),
        ({"exp": int(time.time()) - 120}, "expired"),
        ({"exp": None}, "claim exp"),
        ({"exp": "tomorrow"}, "claim exp"),
        ({"nbf": int(time.time()) + 600}, "claim nbf"),
        ({"iat": int(time.time()) + 600}, "claim iat"),
        ({"iat": None}, "claim iat"),
        ({"sub": None}, "claim sub"),
        ({"at_hash": "of-another-token"}, "claim at_hash"),
        ({"email": None}, "claim email"),
        ({"email": ["anna@bank.example"]}, "claim email"),
        ({"email": "anna@ban\u212a.example"}, "claim email"),
    ],
)
async def test_a_token_that_is_not_for_us_is_refused(
    sign_on: SignOnOffice, capsys: pytest.CaptureFixture[str], claims: dict[str, Any], reason: str
) -> None:
    sign_on.provider.claims = claims
    await refused(sign_on, await sign_on.log_in(), "could not be trusted")
    said = capsys.readouterr()
    assert reason in said.out + said.err


@pytest.mark.parametrize("verified", [False, None, "true", 1])
async def test_an_address_that_is_not_verified_opens_nothing(sign_on: SignOnOffice, verified: Any) -> None:
    sign_on.provider.claims = {"email_verified": verified}
    await refused(sign_on, await sign_on.log_in(), "has not verified your e-mail address")


@pytest.mark.parametrize("email", ["eve@bank.example", "anna@bank.example.evil.example", "finance", ""])
async def test_who_has_no_account_is_told_and_gets_none(sign_on: SignOnOffice, email: str) -> None:
    sign_on.provider.claims = {"email": email}
    before = len(sign_on.office.office.accounts.all)
    await refused(sign_on, await sign_on.log_in(), "have no account here")
    assert len(sign_on.office.office.accounts.all) == before


@pytest.mark.parametrize(
    "given",
    [
        sign_on_settings(
            back_office_oidc_claim="sub", back_office_staff=[{"name": "a", "role": "finance", "oidc_identity": "Sub-1"}]
        )
    ],
)
async def test_a_subject_is_exact(sign_on: SignOnOffice) -> None:
    sign_on.provider.person = {"sub": "sub-1", "email": "Sub-1", "email_verified": True}
    answer = await sign_on.log_in()
    assert answer.status_code == 403
    assert "have no account here" in HtmlPage(answer.text).text


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none", "signature"),
        ("None", "signature"),
        ("hs256_with_the_public_key", "signature"),
        ("hs256_with_the_secret", "signature"),
        ("hs256_with_the_key_of_the_key_set", "signature"),
        ("another_key", "signature"),
        ("key_in_the_header", "signature"),
        ("no_signature", "signature"),
        ("changed_claims", "signature"),
        ("critical_header", "signature"),
        ("no_token", "signature"),
        ("encrypted", "signature"),
    ],
)
async def test_a_token_that_the_provider_did_not_sign_is_refused(
    sign_on: SignOnOffice, capsys: pytest.CaptureFixture[str], name: str, reason: str
) -> None:
    key = sign_on.provider.keys[0]
    assert isinstance(key, RsaKey)
    other = RsaKey(kid="k1")
    hs = {"alg": "HS256", "kid": "k1"}

    def changed(claims: dict[str, Any]) -> str:
        head, _, signature = jws({"alg": "RS256", "kid": "k1"}, {**claims, "sub": "x"}, key.sign).split(".")
        return ".".join((head, jws({}, claims, key.sign).split(".")[1], signature))

    sign_on.provider.token = {
        "none": lambda claims: jws({"alg": "none"}, claims, lambda _: b""),
        "None": lambda claims: jws({"alg": "None", "kid": "k1"}, claims, lambda _: b""),
        "hs256_with_the_public_key": lambda claims: jws(hs, claims, hs256(key.pem())),
        "hs256_with_the_secret": lambda claims: jws(hs, claims, hs256(b"s3cret-of-the-client")),
        "hs256_with_the_key_of_the_key_set": lambda claims: jws(hs, claims, hs256(b"x" * 32)),
        "another_key": lambda claims: jws({"alg": "RS256", "kid": "k1"}, claims, other.sign),
        "key_in_the_header": lambda claims: jws({"alg": "RS256", "jwk": other.public()}, claims, other.sign),
        "no_signature": lambda claims: jws({"alg": "RS256", "kid": "k1"}, claims, lambda _: b""),
        "changed_claims": changed,
        "critical_header": lambda claims: jws(
            {"alg": "RS256", "kid": "k1", "crit": ["exp"], "exp": 1}, claims, key.sign
        ),
        "no_token": lambda _: "not a token",
        "encrypted": lambda _: ".".join([base64url(b'{"alg":"RSA-OAEP","enc":"A256GCM"}'), *["AAAA"] * 4]),
    }[name]
    await refused(sign_on, await sign_on.log_in(), "could not be trusted")
    said = capsys.readouterr()
    assert reason in said.out + said.err


async def test_a_key_of_another_kind_does_not_sign(sign_on: SignOnOffice) -> None:
    curve = EcKey(kid="k1")
    sign_on.provider.token = lambda claims: jws({"alg": "ES256", "kid": "k1"}, claims, curve.sign)
    await refused(sign_on, await sign_on.log_in(), "could not be trusted")


async def test_a_key_for_encryption_does_not_sign(sign_on: SignOnOffice) -> None:
    key = sign_on.provider.keys[0]
    sign_on.network.answers["/jwks"] = httpx.Response(200, json={"keys": [{**key.public(), "use": "enc"}]})
    sign_on.provider.token = lambda claims: jws({"alg": "RS256"}, claims, key.sign)
    await refused(sign_on, await sign_on.log_in(), "could not be trusted")


async def test_a_code_of_somebody_elses_log_in_is_refused(sign_on: SignOnOffice) -> None:
    """PKCE: a code that was stolen on its way, put into the thief's own log-in."""
    stolen = httpx.URL(await sign_on.at_provider(await sign_on.begin())).params["code"]
    sign_on.office.browser.cookies.clear()
    own = httpx.URL(await sign_on.at_provider(await sign_on.begin()))
    answer = await sign_on.office.browser.get(own.copy_set_param("code", stolen))
    await refused(sign_on, answer, "could not be trusted")
    assert sign_on.provider.requested.count("token") == 1


async def test_an_answer_of_another_issuer_is_refused(sign_on: SignOnOffice) -> None:
    back = httpx.URL(await sign_on.at_provider(await sign_on.begin()))
    answer = await sign_on.office.browser.get(back.copy_set_param("iss", "https://evil.example"))
    await refused(sign_on, answer, "could not be trusted")
    assert "token" not in sign_on.provider.requested


async def test_an_issuer_that_always_says_its_name_has_to(sign_on: SignOnOffice) -> None:
    sign_on.provider.discovery = {"authorization_response_iss_parameter_supported": True}
    back = httpx.URL(await sign_on.at_provider(await sign_on.begin()))
    await refused(sign_on, await sign_on.office.browser.get(back.copy_remove_param("iss")), "could not be trusted")


async def test_no_other_site_begins_a_log_in(sign_on: SignOnOffice) -> None:
    for site in ("cross-site", "same-site"):
        answer = await sign_on.office.browser.get("/login/oidc?next=/ledger", headers={"Sec-Fetch-Site": site})
        assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Fledger")
        assert "set-cookie" not in answer.headers
    assert sign_on.provider.requested == []


async def test_the_address_for_the_way_back_is_never_the_visitors(sign_on: SignOnOffice) -> None:
    hostile = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    begun = await sign_on.office.browser.get("/login/oidc", headers=hostile)
    sent = httpx.URL(begun.headers["location"]).params
    assert sent["redirect_uri"] == f"{OFFICE}{CALLBACK}"
    assert "evil" not in begun.headers["location"]


async def test_each_log_in_has_secrets_of_its_own(sign_on: SignOnOffice) -> None:
    seen: set[str] = set()
    for _ in range(2):
        sent = httpx.URL((await sign_on.begin()).headers["location"]).params
        seen |= {sent["state"], sent["nonce"], sent["code_challenge"], sign_on.office.browser.cookies["paystream_oidc"]}
        assert sent["code_challenge_method"] == "S256"
    assert len(seen) == 8


async def test_no_flood_of_log_ins_takes_more_than_its_room(sign_on: SignOnOffice) -> None:
    found = sign_on.office.office.sign_on
    assert found is not None
    for _ in range(1200):
        found.waiting.begin(next="/payments", session_id="")
    assert len(found.waiting._by_state) == 1000


async def test_no_token_code_or_person_is_logged(sign_on: SignOnOffice, capsys: pytest.CaptureFixture[str]) -> None:
    tokens: list[str] = []
    key = sign_on.provider.keys[0]

    def made(claims: dict[str, Any]) -> str:
        tokens.append(jws({"alg": "RS256", "kid": "k1"}, claims, key.sign))
        return tokens[-1]

    sign_on.provider.token = made
    secrets = ["anna@bank.example", "eve@bank.example", "248289761001", "s3cret-of-the-client"]
    for claims in ({}, {"email": "eve@bank.example"}, {"nonce": "x"}, {"email_verified": False}):
        sign_on.provider.claims = claims
        back = await sign_on.at_provider(await sign_on.begin())
        secrets += [httpx.URL(back).params[name] for name in ("state", "code")]
        secrets.append(sign_on.office.browser.cookies["paystream_oidc"])
        await sign_on.office.browser.get(back)
    said = capsys.readouterr()
    assert "staff_sign_on_refused" in said.out + said.err
    assert [each for each in (*secrets, *tokens) if each in said.out + said.err] == []
