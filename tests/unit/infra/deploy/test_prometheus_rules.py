"""The rules are well formed, speak of metrics that there are, and each alert says what to do."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.embedded.prometheus import RULES, find_program
from tests.support.compose_file import ROOT, SERVICES
from tests.support.promql import faults, rising

DOCUMENTS = {path.name: yaml.safe_load(path.read_text("utf-8")) for path in sorted(RULES.glob("*.rules.yml"))}
RULES_OF_ALL = [rule for each in DOCUMENTS.values() for group in each["groups"] for rule in group["rules"]]
ALERTS: list[dict[str, Any]] = [rule for rule in RULES_OF_ALL if "alert" in rule]
RECORDED = frozenset(rule["record"] for rule in RULES_OF_ALL if "record" in rule)
SCRAPED = yaml.safe_load((RULES / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
HISTORIES = sorted(Path(__file__).parent.glob("*.test.yml"))
MUST_FIRE = {
    "ApiErrors",
    "AuthorizationsExpire",
    "ConsumerBehind",
    "DeadLettersOpen",
    "DisputeEvidenceDue",
    "DownstreamBehind",
    "EventLogClosed",
    "OutboxBehind",
    "PaymentsContradicted",
    "PaymentsSlow",
    "RateLimitRefusesMany",
    "ReconciliationDiscrepancies",
    "ReconciliationOverdue",
    "RelayWaitsForTransaction",
    "SagaCompensationStuck",
    "StandbyBehind",
    "StandbyGone",
    "StripeBreakerOpen",
    "StripeCallStuck",
    "StripeCallsDead",
    "StripePaymentUndone",
    "StripeRowsLeftOut",
    "WebhooksOutLate",
    "WitnessRefuses",
}


RISES = sorted({(name, *labels) for alert in ALERTS for name, labels in rising(alert["expr"])})
"""Counters of which an alert asks whether they rose, with the labels that it asks by."""


def anchor(heading: str) -> str:
    return re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-"))


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = find_program("promtool")
    if program is None:
        pytest.skip("promtool is not on this machine (Debian: apt-get install prometheus)")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda each: each["alert"])
def test_an_alert_says_when_how_bad_and_what_to_do(alert: dict[str, Any]) -> None:
    assert set(alert) - {"for"} == {"alert", "expr", "labels", "annotations"}
    assert alert["labels"]["severity"] in {"warning", "critical"}
    assert set(alert["annotations"]) == {"summary", "description", "runbook"}
    assert re.fullmatch(r"\d+[smhd]", alert.get("for", "1h"))


@pytest.mark.parametrize("alert", ALERTS, ids=lambda each: each["alert"])
def test_its_runbook_has_a_section_for_it(alert: dict[str, Any]) -> None:
    file, _, section = alert["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / file).read_text("utf-8"), re.MULTILINE)
    assert section == anchor(alert["alert"])
    assert section in {anchor(heading) for heading in headings}


def test_no_section_speaks_of_an_alert_that_is_not_there() -> None:
    sections = re.findall(r"^### (.+)$", (ROOT / "docs/runbooks/alerts.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(sections) == sorted({alert["alert"] for alert in ALERTS})


@pytest.mark.parametrize("rule", RULES_OF_ALL, ids=lambda each: each.get("alert", each.get("record")))
def test_its_metrics_and_labels_are_those_of_the_processes(rule: dict[str, Any]) -> None:
    assert faults(rule["expr"], RECORDED) == []


def test_what_must_wake_somebody_has_an_alert() -> None:
    names = [alert["alert"] for alert in ALERTS]
    assert len(names) == len(set(names))
    assert MUST_FIRE - set(names) == set()


def test_prometheus_asks_every_process_that_lasts() -> None:
    scraped = {target["names"][0]: target["port"] for each in SCRAPED for target in each["dns_sd_configs"]}
    ours = {name for name, service in SERVICES.items() if "build" in service and service.get("restart") != "no"}
    assert scraped.keys() == ours
    for name, port in scraped.items():
        assert f"127.0.0.1:{port}/" in str(SERVICES[name]["healthcheck"]["test"])
    assert {each["job_name"] for each in SCRAPED} == {f"paystream-{name}" for name in ours}


def test_promtool_takes_configuration_and_rules() -> None:
    checked = promtool("check", "config", RULES / "prometheus.yml")
    assert checked.returncode == 0, checked.stderr
    assert f"{len(DOCUMENTS)} rule files found" in checked.stdout + checked.stderr


def test_alerts_fire_on_histories_and_not_on_others() -> None:
    tested = promtool("test", "rules", *HISTORIES)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_every_alert_has_a_history_on_which_it_fires_and_one_on_which_not() -> None:
    expected = [
        (each["alertname"], bool(each.get("exp_alerts")))
        for file in HISTORIES
        for history in yaml.safe_load(file.read_text("utf-8"))["tests"]
        for each in history.get("alert_rule_test", [])
    ]
    names = {alert["alert"] for alert in ALERTS}
    assert names - {name for name, fires in expected if fires} == set()
    assert names - {name for name, fires in expected if not fires} == set()


def test_a_counter_that_rises_for_the_first_time_is_seen_to_rise() -> None:
    # In a process of its own: here another test may have had them rise.
    listed = subprocess.run(
        [sys.executable, "-m", "tests.support.promql"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    series = [(name, set(map(tuple, labels))) for name, labels in json.loads(listed.stdout)]
    assert len(RISES) > 10
    assert [
        (name, *labels)
        for name, *labels in RISES
        if not any(name == each and set(labels) <= having for each, having in series)
    ] == []
