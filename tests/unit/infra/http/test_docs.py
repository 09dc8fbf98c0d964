"""The interactive documentation loads nothing from elsewhere."""

import hashlib
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

import infra.http.docs
from command_api import app as command_app
from infra.http.docs import MANIFEST, OURS, POLICY
from query_api import app as query_app

HERE = Path(infra.http.docs.__file__).parent
APPS = {"command-api": command_app.bare_app(), "query-api": query_app.bare_app()}
both = pytest.mark.parametrize("app", APPS.values(), ids=APPS)


def browser(app: FastAPI, root_path: str = "") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, root_path=root_path), base_url="http://api.test")


def test_the_manifest_says_which_version_it_is_file_by_file() -> None:
    assert MANIFEST["package"] == "swagger-ui-dist"
    assert MANIFEST["license"] == "Apache-2.0"
    assert re.fullmatch(r"\d+\.\d+\.\d+", MANIFEST["version"])
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (HERE / "assets").iterdir()}
    assert found == MANIFEST["files"]
    assert "Apache License" in (HERE / "assets" / "LICENSE").read_text("utf-8")


@both
async def test_the_page_and_all_that_it_loads_come_from_the_api_itself(app: FastAPI) -> None:
    async with browser(app) as client:
        page = await client.get("/docs")
        addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert {each.removeprefix("docs/") for each in addresses} == {
            *OURS,
            "openapi.json",
            *(name for name in MANIFEST["files"] if name.endswith((".css", ".js", ".png"))),
        }
        for address in addresses:
            assert not re.match(r"[a-z]+:|/", address), "an address of its own origin, wherever that is"
            answer = await client.get(f"/{address}")
            assert answer.status_code == 200
            assert answer.content


@both
async def test_the_page_may_load_and_run_nothing_else(app: FastAPI) -> None:
    async with browser(app) as client:
        page = await client.get("/docs")
    assert page.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert "http" not in POLICY
    assert page.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script(?! src=)|<style| style=| on[a-z]+=", page.text), "nothing inline"


@both
async def test_the_document_names_the_server_it_came_from_first(app: FastAPI) -> None:
    async with browser(app) as client:
        document: dict[str, Any] = (await client.get("/openapi.json")).json()
    async with browser(app, "/payments-api") as client:
        behind_a_prefix: dict[str, Any] = (await client.get("/openapi.json")).json()
    assert document["servers"][0]["url"] == "/"
    assert behind_a_prefix["servers"][0]["url"] == "/payments-api"
    assert {**document, "servers": document["servers"][1:]} == app.openapi()


@both
async def test_there_is_no_other_page_of_documentation(app: FastAPI) -> None:
    async with browser(app) as client:
        for path in ("/redoc", "/docs/oauth2-redirect", "/docs/LICENSE", "/docs/../page.html", "/docs/"):
            assert (await client.get(path)).status_code in {404, 307}, path
