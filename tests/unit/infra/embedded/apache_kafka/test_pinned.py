"""What is pinned in infra/kafka/server."""

import re

from infra.embedded.apache_kafka.jars import SERVER, VERSION


def test_the_version_that_is_told_is_the_one_that_is_fetched() -> None:
    assert f"<kafka.version>{VERSION}</kafka.version>" in (SERVER / "pom.xml").read_text()


def test_every_jar_is_pinned_by_its_content() -> None:
    lines = (SERVER / "jars.sha256").read_text().splitlines()
    assert all(re.fullmatch(r"[0-9a-f]{64}  [\w.-]+\.jar", line) for line in lines)
    names = {line.split("  ")[1] for line in lines}
    assert len(names) == len(lines)
    assert {f"kafka_2.13-{VERSION}.jar", f"kafka-clients-{VERSION}.jar"} <= names
