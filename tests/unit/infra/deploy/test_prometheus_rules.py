"""The alert rules are well formed, and speak of metrics that there are."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from consumers.gateway import metrics as gateway_metrics
from consumers.reconciliation import metrics as reconciliation_metrics
from consumers.saga import metrics as saga_metrics
from consumers.sweeper import metrics as sweeper_metrics
from event_store.privacy import metrics as privacy_metrics
from event_store.relay import metrics as relay_metrics
from projections.payments.holds import CONTRADICTED

RULES = Path(__file__).parents[4] / "infra/deploy/prometheus"
_METRIC = re.compile(r"\b(?:reconciliation|relay|payments|gateway|sweeper|event_log|sagas|personal|retention)_[a-z_]+")


def alerts() -> list[dict[str, Any]]:
    documents = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(RULES.glob("*.rules.yml"))]
    assert all(set(document) == {"groups"} for document in documents)
    return [rule for document in documents for group in document["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("alert", alerts(), ids=lambda each: each["alert"])
def test_an_alert_says_when_how_bad_and_what_to_do(alert: dict[str, Any]) -> None:
    assert set(alert) - {"for"} == {"alert", "expr", "labels", "annotations"}
    assert alert["labels"]["severity"] in {"warning", "critical"}
    assert set(alert["annotations"]) == {"summary", "description"}
    assert re.fullmatch(r"\d+[smhd]", alert.get("for", "1h"))
    for opening, closing in ("()", "[]", "{}"):
        assert alert["expr"].count(opening) == alert["expr"].count(closing)


@pytest.mark.parametrize("alert", alerts(), ids=lambda each: each["alert"])
def test_its_metrics_are_those_of_the_processes(alert: dict[str, Any]) -> None:
    assert reconciliation_metrics.DISCREPANCIES
    assert relay_metrics.GAP_WAIT
    assert sweeper_metrics.SWEEPS
    assert gateway_metrics.CONTRADICTIONS
    assert CONTRADICTED
    assert gateway_metrics.UNDONE
    assert saga_metrics.STUCK
    assert privacy_metrics.VALUES_DAMAGED
    known = set(REGISTRY._names_to_collectors)
    used = set(_METRIC.findall(alert["expr"]))
    assert used
    assert used <= known


def test_there_are_alerts_on_differences_and_on_the_last_good_runs_age() -> None:
    expressions = " ".join(alert["expr"] for alert in alerts())
    assert "reconciliation_discrepancies_total" in expressions
    assert "reconciliation_last_good_run_age_seconds" in expressions


def test_there_is_an_alert_on_a_transaction_that_stops_the_relay() -> None:
    assert any("relay_gap_wait_seconds" in alert["expr"] for alert in alerts())


def test_there_is_an_alert_on_what_stripe_says_against_the_log() -> None:
    assert any("payments_contradicted" in alert["expr"] for alert in alerts())


def test_there_is_an_alert_on_a_payment_that_was_undone_at_stripe() -> None:
    assert any("gateway_undone_total" in alert["expr"] for alert in alerts())
