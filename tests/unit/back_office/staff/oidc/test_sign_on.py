"""Log-in by single sign-on: what comes of it is a session as any other."""

import httpx
import pytest

from tests.support.html_page import HtmlPage
from tests.support.oidc_provider import EcKey, RsaKey, jws
from tests.unit.back_office.conftest import PASSWORD
from tests.unit.back_office.fake_apis import PAYMENT_ID, a_problem, away, body_of
from tests.unit.back_office.staff.oidc.conftest import HERE, SignOnOffice, sign_on_settings
from tests.unit.back_office.test_pages import DISCREPANCY

PAYMENT = f"/payments/{PAYMENT_ID}"


def cookie(answer: httpx.Response, name: str) -> str:
    return next(each for each in answer.headers.get_list("set-cookie") if each.startswith(name)).lower()


async def test_somebody_comes_in_and_is_recorded_with_how(
    sign_on: SignOnOffice, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = await sign_on.log_in()
    assert answer.status_code == 200, answer.text
    page = await sign_on.office.page("/sessions")
    assert "finance" in page.text
    (recorded,) = sign_on.office.command_api.sign_ins
    assert recorded.url.path == "/staff/finance/sign-ins"
    assert body_of(recorded) == {"role": "finance", "second_factor": "none", "method": "oidc"}
    assert recorded.headers["paystream-actor"] == "finance"
    said = capsys.readouterr()
    (line,) = [each for each in (said.out + said.err).splitlines() if "staff_logged_in" in each]
    assert "oidc" in line


async def test_the_role_is_that_of_the_account(sign_on: SignOnOffice) -> None:
    sign_on.provider.claims = {"role": "operator", "roles": ["operator"], "groups": ["operator"]}
    await sign_on.log_in()
    assert (await sign_on.office.browser.get("/staff")).status_code == 403


async def test_keys_of_elliptic_curves_sign_too(sign_on: SignOnOffice) -> None:
    sign_on.provider.keys = [EcKey(kid="e1")]
    assert (await sign_on.log_in()).status_code == 200
    assert await sign_on.is_in()


async def test_a_provider_that_says_nothing_of_it_is_told_in_a_header(sign_on: SignOnOffice) -> None:
    sign_on.provider.discovery = {"token_endpoint_auth_methods_supported": None}
    await sign_on.log_in()
    assert await sign_on.is_in()


async def test_the_only_key_that_signs_needs_no_name(sign_on: SignOnOffice) -> None:
    key = sign_on.provider.keys[0]
    for_encryption = {**RsaKey(kid="k2").public(), "use": "enc"}
    sign_on.network.answers["/jwks"] = httpx.Response(200, json={"keys": [for_encryption, key.public()]})
    sign_on.provider.token = lambda claims: jws({"alg": "RS256"}, claims, key.sign)
    await sign_on.log_in()
    assert await sign_on.is_in()


@pytest.mark.parametrize("methods", [["client_secret_post"], ["client_secret_basic", "client_secret_post"]])
async def test_a_client_says_its_secret_in_the_body_where_it_may(sign_on: SignOnOffice, methods: list[str]) -> None:
    sign_on.provider.method = "client_secret_post"
    sign_on.provider.discovery = {"token_endpoint_auth_methods_supported": methods}
    await sign_on.log_in()
    assert await sign_on.is_in()


async def test_it_leads_on_within_the_site_as_strict_cookies_need(sign_on: SignOnOffice) -> None:
    """A redirect would be a part of the navigation that the provider's page began: the cookie would not come along."""
    address = f"{PAYMENT}?version=2"
    answer = await sign_on.log_in(address)
    assert answer.status_code == 200
    assert f'<meta http-equiv="refresh" content="0; url={address}">' in answer.text
    assert HtmlPage(answer.text).links[-1] == address


@pytest.mark.parametrize("elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x"])
async def test_it_never_leads_to_another_site(sign_on: SignOnOffice, elsewhere: str) -> None:
    begun = await sign_on.office.browser.get("/login/oidc", params={"next": elsewhere}, headers=HERE)
    answer = await sign_on.office.browser.get(await sign_on.at_provider(begun))
    assert HtmlPage(answer.text).links[-1] == "/payments"
    assert "evil" not in answer.text


async def test_text_that_was_written_before_is_there_again(sign_on: SignOnOffice) -> None:
    text = 'sent twice & given "back"; 100% <b>'
    await sign_on.log_in()
    action = f"{DISCREPANCY}/explain"
    form = (await sign_on.office.page(action)).form(action)
    sign_on.office.browser.cookies.clear()
    sent = {**form.fields, "reason": text}
    refused = await sign_on.office.browser.post(action, data=sent)
    answer = await sign_on.log_in(httpx.URL(refused.headers["location"]).params["next"])
    shown = (await sign_on.office.page(HtmlPage(answer.text).links[-1])).form(action)
    assert shown.fields["reason"] == text
    assert sign_on.office.command_api.commands() == []


async def test_the_session_before_ends_though_its_cookie_stays_behind(sign_on: SignOnOffice) -> None:
    browser = sign_on.office.browser
    await sign_on.log_in()
    before = browser.cookies["paystream_session"]
    begun = await sign_on.begin()
    browser.cookies.delete("paystream_session")  # as a browser does on the way back from another site
    await browser.get(await sign_on.at_provider(begun))
    assert browser.cookies["paystream_session"] != before
    browser.cookies.delete("paystream_session")
    browser.cookies.set("paystream_session", before, domain="office.test")
    assert not await sign_on.is_in()


@pytest.mark.parametrize("given", [sign_on_settings(app_env="production")])
async def test_cookies_are_for_this_host_over_tls_alone(sign_on: SignOnOffice) -> None:
    begun = await sign_on.begin()
    lax = cookie(begun, "__Host-paystream_oidc=")
    for said in ("httponly", "samesite=lax", "secure", "path=/", "max-age=600"):
        assert said in lax
    assert "domain" not in lax
    answer = await sign_on.office.browser.get(await sign_on.at_provider(begun))
    session = cookie(answer, "__Host-paystream_session=")
    for said in ("httponly", "samesite=strict", "secure", "path=/"):
        assert said in session
    assert "max-age=0" in cookie(answer, "__Host-paystream_oidc=")


async def test_who_is_locked_stays_out_and_is_told(sign_on: SignOnOffice) -> None:
    await sign_on.office.log_in("operator")
    await sign_on.office.send("/staff/finance/lock", reason="her laptop was stolen")
    sign_on.office.browser.cookies.clear()
    answer = await sign_on.log_in()
    assert answer.status_code == 403
    assert "Your account is locked" in HtmlPage(answer.text).text
    assert not await sign_on.is_in()


async def test_who_is_locked_at_that_very_moment_stays_out(sign_on: SignOnOffice) -> None:
    sign_on.office.command_api.answers["POST /staff/finance/sign-ins"] = a_problem(409, "operation_refused")
    assert (await sign_on.log_in()).status_code == 403
    assert not await sign_on.is_in()


async def test_a_lock_ends_the_session_as_any_other(sign_on: SignOnOffice) -> None:
    await sign_on.log_in()
    assert await sign_on.is_in()
    there = sign_on.office.browser.cookies["paystream_session"]
    sign_on.office.browser.cookies.clear()
    await sign_on.office.log_in("operator")
    await sign_on.office.send("/staff/finance/lock", reason="her laptop was stolen")
    sign_on.office.browser.cookies.clear()
    sign_on.office.browser.cookies.set("paystream_session", there, domain="office.test")
    assert not await sign_on.is_in()


async def test_nobody_comes_in_while_locks_are_not_known(sign_on: SignOnOffice) -> None:
    sign_on.office.command_api.answers["GET /staff-locks"] = away
    answer = await sign_on.log_in(PAYMENT)
    assert answer.status_code == 503
    assert "does not say who is locked" in HtmlPage(answer.text).text
    assert not await sign_on.is_in()


async def test_wrong_passwords_of_others_keep_nobody_from_single_sign_on(sign_on: SignOnOffice) -> None:
    for _ in range(6):
        await sign_on.office.log_in("finance", "a guess")
    await sign_on.log_in()
    assert await sign_on.is_in()
    assert sign_on.office.office.lockout.locked_for_s("finance") > 0, "and it does not let them guess on"


async def test_passwords_open_accounts_beside_it_unless_they_have_none(sign_on: SignOnOffice) -> None:
    assert (await sign_on.office.log_in("finance", PASSWORD)).status_code == 401
    assert (await sign_on.office.log_in("support", PASSWORD)).status_code == 303


@pytest.mark.parametrize("given", [sign_on_settings(back_office_password_login=False)])
async def test_passwords_can_be_turned_off(sign_on: SignOnOffice) -> None:
    assert (await sign_on.office.page("/login")).forms == []
    sent = {"name": "support", "password": PASSWORD, "csrf_token": "x"}
    answer = await sign_on.office.browser.post("/login", data=sent)
    assert answer.status_code == 403
    assert "Passwords open nothing here" in HtmlPage(answer.text).text
    assert sign_on.office.command_api.lock_reads == []
    await sign_on.log_in()
    assert await sign_on.is_in()


@pytest.mark.parametrize(
    "given",
    [
        sign_on_settings(
            back_office_oidc_claim="sub",
            back_office_staff=[{"name": "finance", "role": "finance", "oidc_identity": "248289761001"}],
        )
    ],
)
async def test_an_account_can_be_bound_to_a_subject(sign_on: SignOnOffice) -> None:
    sign_on.provider.person = {"sub": "248289761001"}
    await sign_on.log_in()
    assert await sign_on.is_in()


@pytest.mark.parametrize("path", ["/login/oidc", "/login/oidc/callback", "/login/oidc/callback?state=x&code=y"])
@pytest.mark.parametrize(
    "given",
    [sign_on_settings(**{f"back_office_oidc_{name}": None for name in ("issuer", "client_id", "client_secret")})],
)
async def test_without_settings_there_is_nothing_of_it(sign_on: SignOnOffice, path: str) -> None:
    assert sign_on.office.office.sign_on is None
    assert (await sign_on.office.browser.get(path)).status_code == 404
    assert not [link for link in (await sign_on.office.page("/login")).links if "oidc" in link]


@pytest.mark.parametrize(
    ("given", "ways"),
    [
        (sign_on_settings(), ["Single sign-on", "Password, Single sign-on", "Password"]),
        (
            sign_on_settings(back_office_password_login=False),
            ["Single sign-on", "Single sign-on", "Nothing: nobody can log in with it"],
        ),
    ],
)
async def test_the_page_of_an_account_says_what_opens_it(sign_on: SignOnOffice, ways: list[str]) -> None:
    office = sign_on.office
    account = office.office.accounts.named("operator")
    assert account is not None
    session_id = office.office.sessions.begin(account)
    office.browser.cookies.set("paystream_session", session_id, domain="office.test")
    for name, way in zip(("finance", "support", "operator"), ways, strict=True):
        assert f"Logs in by {way} Second factor" in (await office.page(f"/staff/{name}")).text
