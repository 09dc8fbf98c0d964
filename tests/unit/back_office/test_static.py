"""The files that pages load: vendored as their package has them, and nothing from elsewhere."""

import hashlib
import re
from pathlib import Path

import back_office.static.routes
import tests.support.axe
from back_office.static.charts.update import FILES as CHART_FILES
from back_office.static.routes import CHARTS_MANIFEST, MANIFEST, OURS, address_of
from back_office.static.update import FILES
from infra.http.vendored import read_manifest
from tests.unit.back_office.conftest import BackOffice

HERE = Path(back_office.static.routes.__file__).parent
STYLE = (HERE / "app.css").read_text("utf-8")


def test_the_manifest_says_which_version_it_is_file_by_file() -> None:
    assert MANIFEST["package"] == "htmx.org"
    assert MANIFEST["license"] == "BSD-0-Clause"
    assert re.fullmatch(r"\d+\.\d+\.\d+", MANIFEST["version"])
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (HERE / "assets").iterdir()}
    assert found == MANIFEST["files"]
    assert set(FILES.values()) == set(MANIFEST["files"])
    assert "Zero-Clause BSD" in (HERE / "assets" / "LICENSE").read_text("utf-8")


def test_the_manifest_of_the_charts_says_it_too() -> None:
    assert (CHARTS_MANIFEST["package"], CHARTS_MANIFEST["license"]) == ("uplot", "MIT")
    folder = HERE / "charts" / "assets"
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}
    assert found == CHARTS_MANIFEST["files"]
    assert set(CHART_FILES.values()) == set(found)
    assert "MIT License" in (folder / "LICENSE").read_text("utf-8")


def _digest(name: str) -> str:
    return address_of(name).partition("?v=")[2]


async def test_everything_that_a_page_loads_is_served_here(back_office: BackOffice) -> None:
    page = (await back_office.browser.get("/login")).text
    addresses = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    assert len(addresses) == 4
    addresses += [f"/static/{name}?v={_digest(name)}" for name in ("uPlot.min.css", "uPlot.iife.min.js", "charts.js")]
    for address in addresses:
        answer = await back_office.browser.get(address)
        assert answer.status_code == 200
        assert "max-age" in answer.headers["cache-control"]
        assert address.partition("?v=")[2] == hashlib.sha256(answer.content).hexdigest()[:12]
    assert (await back_office.browser.get("/static/LICENSE")).status_code == 404
    assert (await back_office.browser.get("/static/../settings.py")).status_code == 404


def test_our_files_load_nothing_and_evaluate_nothing() -> None:
    for name in OURS:
        text = (HERE / name).read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|@import|url\(|eval\(|innerHTML|new Function", text), name


def test_what_looks_for_barriers_is_as_its_package_has_it() -> None:
    folder = Path(tests.support.axe.__file__).parent
    manifest = read_manifest(folder)
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (folder / "assets").iterdir()}
    assert found == manifest["files"]
    assert (manifest["package"], manifest["license"]) == ("axe-core", "MPL-2.0")


def test_the_dark_scheme_changes_colours_alone() -> None:
    """So what is looked at in light needs no second look in the dark, but for its colours."""
    (dark,) = re.findall(r"@media \(prefers-color-scheme: dark\) \{(.*?\n)\}", STYLE, re.DOTALL)
    inner = re.fullmatch(r"\s*:root \{(.*)\}\s*", dark, re.DOTALL)
    assert inner is not None
    assert re.sub(r"--[a-z-]+: #[0-9a-f]{3,6};", "", inner[1]).split() == []
    assert STYLE.count("prefers-color-scheme") == 1
