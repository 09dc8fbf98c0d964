"""What is refused before the database is asked."""

from typing import Any

import pytest

from tests.unit.command_api.conftest import Standing

KEY = {"Authorization": "Bearer sk_webhooks"}
PATH = "/webhook-endpoints"
ID = "019ab3c4-b3c4-7d67-8071-92a3b4c5d6e7"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": "http://shop.example/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://localhost/"}, "url"),
        ({"url": 1}, "url"),
        ({"url": "https://shop.example/", "event_types": ["payment.nonsense"]}, "event_types"),
        ({"url": "https://shop.example/", "event_types": ["payment.succeeded"] * 2}, "event_types"),
        ({"url": "https://shop.example/", "event_types": "payment.succeeded"}, "event_types"),
        ({"url": "https://shop.example/", "description": "a" * 501}, "description"),
        ({"url": "https://shop.example/", "description": "\x00"}, "description"),
        ({"url": "https://shop.example/", "enabled": "yes"}, "enabled"),
        ({"url": "https://shop.example/", "secret": "whsec_mine"}, "secret"),
    ],
)
async def test_a_body_that_is_wrong_is_refused(api: Standing, body: Any, field: str) -> None:
    answer = await api.client.post(PATH, json=body, headers=KEY)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"].startswith(field)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", PATH),
        ("GET", PATH),
        ("GET", f"{PATH}/{ID}"),
        ("PATCH", f"{PATH}/{ID}"),
        ("DELETE", f"{PATH}/{ID}"),
        ("POST", f"{PATH}/{ID}/rotate-secret"),
        ("GET", f"{PATH}/{ID}/deliveries"),
        ("POST", f"{PATH}/{ID}/deliveries/{ID}/resend"),
        ("POST", f"{PATH}/{ID}/replays"),
    ],
)
async def test_every_route_wants_the_scope(api: Standing, method: str, path: str) -> None:
    assert (await api.client.request(method, path)).status_code == 403
    nobody = await api.client.request(method, path, headers={"Authorization": "Bearer sk_nobody"})
    assert nobody.status_code == 401


async def test_what_is_no_id_names_no_endpoint(api: Standing) -> None:
    answer = await api.client.get(f"{PATH}/none", headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (404, "webhook_endpoint_not_found")


async def test_while_the_database_is_away_it_says_so(api: Standing) -> None:
    answer = await api.client.get(PATH, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert "Retry-After" in answer.headers


async def test_a_replay_has_a_beginning_and_an_end_in_the_past(api: Standing) -> None:
    for begin, end in (("2026-05-02", "2026-05-01"), ("2026-05-01", "2999-01-01"), ("yesterday", "2026-05-01")):
        answer = await api.client.post(f"{PATH}/{ID}/replays", json={"from": begin, "until": end}, headers=KEY)
        assert answer.status_code == 422, answer.text


@pytest.mark.parametrize(
    ("path", "methods"),
    [(PATH, {"GET", "HEAD", "POST"}), (f"{PATH}/{ID}", {"GET", "HEAD", "PATCH", "DELETE"}), ("/payments", {"POST"})],
)
async def test_a_method_that_there_is_not_is_answered_with_those_that_there_are(
    api: Standing, path: str, methods: set[str]
) -> None:
    answer = await api.client.put(path, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == methods


@pytest.mark.parametrize(("method", "path"), [("DELETE", f"{PATH}/{ID}"), ("POST", f"{PATH}/{ID}/deliveries/x/resend")])
async def test_a_body_where_none_is_taken_is_refused(api: Standing, method: str, path: str) -> None:
    for body in (b'{"id": 1}', b"x", b" " * 20, b"[]"):
        answer = await api.client.request(method, path, content=body, headers=KEY)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), body
        assert answer.json()["errors"] == [{"field": "body", "message": "must be empty"}]


async def test_no_body_and_an_empty_object_are_the_same(api: Standing) -> None:
    for body in (b"", b"{}", b" {}\n"):
        path = f"{PATH}/{ID}/deliveries/x/resend"
        answer = await api.client.request("POST", path, content=body, headers=KEY)
        assert (answer.status_code, answer.json()["code"]) == (404, "webhook_delivery_not_found")


async def test_a_parameter_that_is_there_twice_is_refused(api: Standing) -> None:
    answer = await api.client.get(f"{PATH}/{ID}/deliveries?limit=1&limit=2", headers=KEY)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "limit")
