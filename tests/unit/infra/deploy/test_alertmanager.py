"""Every alert reaches somebody, and what is critical wakes somebody."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

import infra.deploy
from infra.embedded.prometheus import RULES, find_program

CONFIGURATION = Path(infra.deploy.__file__).parent / "alertmanager" / "alertmanager.yml"
RECEIVER = {"critical": "on-call", "warning": "team"}
ALERTS: list[dict[str, Any]] = [
    rule
    for path in sorted(RULES.glob("*.rules.yml"))
    for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
    for rule in group["rules"]
    if "alert" in rule
]


def amtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = find_program("amtool")
    if program is None:
        pytest.skip("amtool is not on this machine (Debian: apt-get install prometheus-alertmanager)")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def test_amtool_takes_the_configuration() -> None:
    checked = amtool("check-config", CONFIGURATION)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "2 receivers" in checked.stdout


@pytest.mark.parametrize("severity", RECEIVER)
def test_an_alert_goes_to_whom_its_severity_says(severity: str) -> None:
    labels = next(each for each in ALERTS if each["labels"]["severity"] == severity)["labels"]
    routed = amtool(
        *("config", "routes", "test", f"--config.file={CONFIGURATION}"),
        *(f"{name}={value}" for name, value in labels.items()),
    )
    assert routed.stdout.strip() == RECEIVER[severity], routed.stderr


def test_every_severity_has_a_route_and_every_receiver_an_address() -> None:
    document = yaml.safe_load(CONFIGURATION.read_text("utf-8"))
    routed = {matcher for route in document["route"]["routes"] for matcher in route["matchers"]}
    assert routed == {f'severity = "{each["labels"]["severity"]}"' for each in ALERTS}
    used = {document["route"]["receiver"], *(route["receiver"] for route in document["route"]["routes"])}
    addresses = {each["name"]: each["webhook_configs"] for each in document["receivers"]}
    assert addresses.keys() == used
    assert all(addresses.values())
    assert {"ProcessDown"} <= {each["alert"] for each in ALERTS}  # which the inhibition names
