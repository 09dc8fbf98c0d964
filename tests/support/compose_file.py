"""docker-compose.yml as it is when nobody has set a variable."""

import re
from pathlib import Path
from typing import Any

import yaml

from infra.embedded.apache_kafka.config import NodeConfig, Ports

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
# A default may hold balanced braces: a JSON value.
VARIABLE = re.compile(r"\$\{(?P<name>\w+):-(?P<default>(?:[^{}]|\{[^{}]*\})*)\}")


def environment(service: str) -> dict[str, str]:
    """Return what a container finds in its environment."""
    written: dict[str, str] = SERVICES[service].get("environment", {})
    return {
        name: VARIABLE.sub(lambda found: found["default"], value).replace("$$", "$") for name, value in written.items()
    }


def kafka_settings() -> dict[str, str]:
    """Return Kafka's settings as the local broker's are, but for its place: in a container, with a name."""
    node = NodeConfig(number=1, nodes=[Ports(client=9092, internal=19092, controller=9093)])
    local = properties(node.properties(data="/var/lib/kafka/data/kraft"))
    return local | {
        "listeners": local["listeners"].replace("127.0.0.1", ""),  # every address
        "advertised.listeners": local["advertised.listeners"].replace("127.0.0.1:19092", "kafka:19092"),
        "controller.quorum.voters": local["controller.quorum.voters"].replace("127.0.0.1", "kafka"),
    }


def properties(text: str) -> dict[str, str]:
    """Read a properties file."""
    return dict(line.split("=", 1) for line in text.splitlines() if line)
