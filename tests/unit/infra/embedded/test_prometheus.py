"""Prometheus beside the stack: what it is told, and what is said when there is none."""

import json
from pathlib import Path

import pytest

from infra.embedded import prometheus
from infra.embedded.errors import PackagesMissing
from infra.embedded.home import Home
from infra.embedded.prometheus import PrometheusServer


async def test_it_asks_each_process_by_name(tmp_path: Path) -> None:
    with Home(tmp_path) as home:
        server = PrometheusServer(home, port=9090, targets={"relay": "127.0.0.1:1", "workers": "127.0.0.1:2"})
        await server.prepare()
    (job,) = json.loads((tmp_path / "prometheus/prometheus.json").read_text("utf-8"))["scrape_configs"]
    assert job["static_configs"] == [
        {"targets": ["127.0.0.1:1"], "labels": {"job": "paystream-relay"}},
        {"targets": ["127.0.0.1:2"], "labels": {"job": "paystream-workers"}},
    ]


def test_without_one_a_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "find_program", lambda _: None)
    with Home(tmp_path) as home, pytest.raises(PackagesMissing, match="apt-get install prometheus"):
        PrometheusServer(home, port=9090, targets={}).command()
