"""The provider changes its keys, answers wrongly or not at all: passwords go on, and pages say what it is."""

import asyncio

import httpx
import pytest

from tests.support.html_page import HtmlPage
from tests.support.oidc_provider import RsaKey
from tests.unit.back_office.conftest import PASSWORD
from tests.unit.back_office.staff.oidc.conftest import SignOnOffice, sign_on_settings


async def is_away(sign_on: SignOnOffice, answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.headers["retry-after"] == "5"
    page = HtmlPage(answer.text)
    assert "does not answer as it should" in page.text
    assert not await sign_on.is_in()
    assert (await sign_on.office.log_in("support", PASSWORD)).status_code == 303, "passwords go on"


async def test_documents_of_the_provider_are_fetched_once(sign_on: SignOnOffice) -> None:
    for _ in range(3):
        sign_on.office.browser.cookies.clear()
        assert (await sign_on.log_in()).status_code == 200
    assert (sign_on.provider.requested.count("discovery"), sign_on.provider.requested.count("jwks")) == (1, 1)


async def test_documents_are_fetched_again_after_an_hour(
    sign_on: SignOnOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sign_on.log_in()
    assert sign_on.office.office.sign_on is not None
    provider = sign_on.office.office.sign_on.provider
    later = provider._monotonic() + 3601
    monkeypatch.setattr(provider, "_monotonic", lambda: later)
    sign_on.provider.keys = [RsaKey(kid="k1")]  # the key of before, of the same name, is no key any more
    assert (await sign_on.log_in()).status_code == 200
    assert (sign_on.provider.requested.count("discovery"), sign_on.provider.requested.count("jwks")) == (2, 2)


async def test_a_new_key_is_known_at_once_and_the_old_one_no_more(sign_on: SignOnOffice) -> None:
    await sign_on.log_in()
    old = sign_on.provider.keys[0]
    sign_on.provider.keys = [RsaKey(kid="k2")]
    assert (await sign_on.log_in()).status_code == 200
    assert sign_on.provider.requested.count("jwks") == 2
    sign_on.provider.keys = [old, *sign_on.provider.keys]
    sign_on.network.answers["/jwks"] = httpx.Response(200, json={"keys": [sign_on.provider.keys[1].public()]})
    assert (await sign_on.log_in()).status_code == 403


async def test_keys_are_asked_for_once_by_a_token_of_no_key(sign_on: SignOnOffice) -> None:
    sign_on.network.answers["/jwks"] = httpx.Response(200, json={"keys": []})
    requested: list[str] = []
    handle = sign_on.network.handle_async_request

    async def counting(request: httpx.Request) -> httpx.Response:
        requested.append(request.url.path)
        return await handle(request)

    sign_on.network.handle_async_request = counting  # type: ignore[method-assign]
    assert (await sign_on.log_in()).status_code == 403
    assert len([path for path in requested if path.endswith("/jwks")]) == 1


@pytest.mark.parametrize("part", ["openid-configuration", "/token", "/jwks"])
async def test_a_provider_that_is_away_is_said_and_passwords_go_on(sign_on: SignOnOffice, part: str) -> None:
    sign_on.network.down = {part}
    begun = await sign_on.begin("/ledger")
    answer = begun if begun.status_code != 303 else await sign_on.office.browser.get(await sign_on.at_provider(begun))
    assert HtmlPage(answer.text).form("/login").fields["next"] == "/ledger", "where they wanted to go"
    await is_away(sign_on, answer)


async def test_it_is_asked_again_when_it_is_back(sign_on: SignOnOffice) -> None:
    sign_on.network.down = {"openid-configuration"}
    assert (await sign_on.begin()).status_code == 503
    sign_on.network.down = set()
    assert (await sign_on.log_in()).status_code == 200


@pytest.mark.parametrize("given", [sign_on_settings(back_office_oidc_timeout_ms=100)])
async def test_a_provider_that_hangs_is_waited_for_no_longer(sign_on: SignOnOffice) -> None:
    async def hanging(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(30)
        raise AssertionError(request)

    begun = await sign_on.begin()
    back = await sign_on.at_provider(begun)
    sign_on.network.handle_async_request = hanging  # type: ignore[method-assign]
    await is_away(sign_on, await sign_on.office.browser.get(back))


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>maintenance</html>"),
        httpx.Response(200, json=["no", "object"]),
        httpx.Response(500, json={"error": "server_error"}),
        httpx.Response(302, headers={"location": "https://evil.example/"}, json={}),
    ],
    ids=["html", "list", "500", "redirect"],
)
@pytest.mark.parametrize("part", ["openid-configuration", "/token", "/jwks"])
async def test_an_answer_that_is_none_is_a_provider_away(
    sign_on: SignOnOffice, part: str, answer: httpx.Response
) -> None:
    sign_on.network.answers[part] = answer
    begun = await sign_on.begin()
    shown = begun if begun.status_code != 303 else await sign_on.office.browser.get(await sign_on.at_provider(begun))
    await is_away(sign_on, shown)


async def test_a_document_that_does_not_end_is_not_read_on(sign_on: SignOnOffice) -> None:
    document = {"keys": [sign_on.provider.keys[0].public()]}
    sign_on.network.answers["/jwks"] = httpx.Response(200, json={**document, "more": "x" * 1024 * 1024})
    await is_away(sign_on, await sign_on.log_in())


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"authorization_endpoint": "http://id.test/realm/authorize"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": "http://localhost/token"},
        {"token_endpoint": None},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": ["https://id.test/jwks"]},
    ],
)
@pytest.mark.parametrize("given", [sign_on_settings(app_env="production")])
async def test_a_discovery_document_that_is_not_safe_is_not_taken(
    sign_on: SignOnOffice, document: dict[str, object]
) -> None:
    sign_on.provider.discovery = document
    await is_away(sign_on, await sign_on.begin())
    assert set(sign_on.provider.requested) == {"discovery"}


@pytest.mark.parametrize("error", ["access_denied", "server_error", "<script>alert(1)</script>"])
async def test_what_the_provider_refuses_is_said_in_our_words(
    sign_on: SignOnOffice, capsys: pytest.CaptureFixture[str], error: str
) -> None:
    sign_on.provider.error = error
    answer = await sign_on.log_in("/ledger")
    assert answer.status_code == 403
    page = HtmlPage(answer.text)
    assert "did not let you in" in page.text
    assert page.form("/login").fields["next"] == "/ledger"
    said = capsys.readouterr()
    for text in (answer.text, said.out + said.err):
        assert "words of theirs" not in text
        assert "<script>alert" not in text
    assert "token" not in sign_on.provider.requested


async def test_a_refusal_without_a_state_is_said_as_well(sign_on: SignOnOffice) -> None:
    answer = await sign_on.office.browser.get("/login/oidc/callback?error=access_denied&code=x")
    assert answer.status_code == 403
    assert "did not let you in" in HtmlPage(answer.text).text
    assert sign_on.provider.requested == []


async def test_an_answer_without_a_code_is_refused(sign_on: SignOnOffice) -> None:
    back = httpx.URL(await sign_on.at_provider(await sign_on.begin("/ledger")))
    answer = await sign_on.office.browser.get(back.copy_remove_param("code"))
    assert answer.status_code == 403
    assert HtmlPage(answer.text).form("/login").fields["next"] == "/ledger"
    assert "token" not in sign_on.provider.requested


@pytest.mark.parametrize(("error", "reason"), [("invalid_grant", "code: invalid_grant"), ("made up", "code: refused")])
async def test_a_code_that_is_refused_is_logged_with_why(
    sign_on: SignOnOffice, capsys: pytest.CaptureFixture[str], error: str, reason: str
) -> None:
    sign_on.network.answers["/token"] = httpx.Response(400, json={"error": error, "error_description": "of theirs"})
    assert (await sign_on.log_in()).status_code == 403
    said = capsys.readouterr()
    assert reason in said.out + said.err
    assert "of theirs" not in said.out + said.err


async def test_a_client_secret_that_is_wrong_is_logged(
    sign_on: SignOnOffice, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_on.network.answers["/token"] = httpx.Response(401, json={"error": "invalid_client"})
    assert (await sign_on.log_in()).status_code == 403
    said = capsys.readouterr()
    assert "code: invalid_client" in said.out + said.err
