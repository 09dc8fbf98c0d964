"""Grafana's dashboards: as their code says, whole, and of metrics that there are."""

import json
from typing import Any

import pytest
import yaml

from infra.deploy.grafana.boards import BOARDS, FOLDER, as_json, file_of
from infra.deploy.grafana.panels import Board, expressions
from tests.support.compose_file import ROOT, SERVICES
from tests.support.promql import faults

REFERENCE = {
    "payment_requests_total",
    "payment_processing_duration_seconds",
    "idempotency_cache_hits_total",
    "stripe_api_errors_total",
    "reconciliation_discrepancies_total",
    "outbox_queue_depth",
}
FILES = [json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))]


def panels(file: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in file["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("board", BOARDS, ids=lambda each: each.uid)
def test_the_file_is_what_the_code_makes(board: Board) -> None:
    assert file_of(board).read_text("utf-8") == as_json(board), "make dashboards"


def test_there_is_no_other_file() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {file_of(board).name for board in BOARDS}


def test_uids_and_titles_are_unique() -> None:
    for name in ("uid", "title"):
        found = [file[name] for file in FILES]
        assert len(found) == len(set(found))
    for file in FILES:
        titles = [panel["title"] for panel in panels(file)]
        ids = [panel["id"] for panel in file["panels"] if "id" in panel]
        assert len(ids) == len(set(ids))
        assert all(titles)


@pytest.mark.parametrize("file", FILES, ids=lambda each: each["uid"])
def test_panels_lie_beside_each_other_on_the_grid(file: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in file["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("file", FILES, ids=lambda each: each["uid"])
def test_every_panel_takes_the_prometheus_that_is_chosen(file: dict[str, Any]) -> None:
    (variable,) = file["templating"]["list"]
    assert (variable["name"], variable["type"], variable["query"]) == ("datasource", "datasource", "prometheus")
    assert all(panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"} for panel in panels(file))
    assert all(panel["description"].endswith(".") for panel in panels(file))


@pytest.mark.parametrize("board", BOARDS, ids=lambda each: each.uid)
def test_expressions_ask_for_what_the_processes_have(board: Board) -> None:
    assert {each: found for each in expressions(board) if (found := faults(each))} == {}


def test_a_wrong_expression_would_be_seen() -> None:
    assert faults("rate(payments_total[5m])") == ["no metric payments_total"]
    assert faults('sum by (kind) (stripe_calls_total{result="x"})') == [
        "stripe_calls_total has no label result",
        "nothing has the label kind",
    ]
    with pytest.raises(ValueError, match="unclosed"):
        faults("sum(up")


def test_the_usual_names_are_on_a_dashboard() -> None:
    shown = " ".join(each for board in BOARDS for each in expressions(board))
    assert {name for name in REFERENCE if name not in shown} == set()


def test_grafana_finds_its_dashboards_and_prometheus() -> None:
    grafana = SERVICES["grafana"]
    mounted = {
        inside: ROOT / outside
        for outside, inside, *_ in (each.split(":") for each in grafana["volumes"] if each.startswith("./"))
    }
    provisioning = mounted["/etc/grafana/provisioning"]
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text("utf-8"))["datasources"]
    assert (source["type"], source["url"], source["isDefault"]) == ("prometheus", "http://prometheus:9090", True)
    (provider,) = yaml.safe_load((provisioning / "dashboards/paystream.yml").read_text("utf-8"))["providers"]
    assert mounted[provider["options"]["path"]].resolve() == FOLDER
