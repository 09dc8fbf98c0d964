from pathlib import Path

import pytest

from infra.doctor.deployment import Deployment, Process, Targets, declared_deployment, given_deployment
from infra.process import declared
from infra.settings.kafka import KafkaSettings
from infra.settings.postgres import DatabaseSettings
from infra.settings.process import ProcessSettings
from infra.settings.redis import RedisSettings
from tests.unit.infra.doctor.deployments import deployment


class Both(DatabaseSettings, KafkaSettings):
    """What a consumer needs."""

    consumer_concurrency: int = 1


def test_every_process_and_worker_declares_its_settings() -> None:
    workers = [f"worker-{name}" for name in declared.names(declared.WORKERS)]
    assert {*declared.names(declared.PROCESSES), *workers, "migrate"} == set(declared.names(declared.SETTINGS))
    assert all(issubclass(each.settings, ProcessSettings) for each in declared_deployment().processes)


def test_a_process_that_there_is_not_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(declared.NotDeclared, match=r"There is no process 'relais'\. There are: .*relay"):
        declared_deployment(["relais"])


def test_given_variables_are_all_that_a_process_sees(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_TIMEOUT_MS", "7")
    (tmp_path / ".env").write_text("REDIS_URL=redis://mine\nLOG_LEVEL=DEBUG\n")
    here = Process(name="x", settings=RedisSettings)
    there = Process(name="x", settings=RedisSettings, variables={"REDIS_URL": "redis://theirs", "LOG_LEVEL": ""})

    mine, theirs = here.read(RedisSettings), there.read(RedisSettings)

    assert (mine.redis_url.get_secret_value(), mine.redis_timeout_ms, mine.log_level) == ("redis://mine", 7, "DEBUG")
    assert (theirs.redis_url.get_secret_value(), theirs.redis_timeout_ms, theirs.log_level) == (
        "redis://theirs",
        200,
        "INFO",
    )


def test_processes_that_agree_share_a_target_whatever_else_differs() -> None:
    def process(name: str, url: str, health_port: str) -> Process:
        variables = {"REDIS_URL": url, "HEALTH_PORT": health_port}
        return Process(name=name, settings=RedisSettings, variables=variables)

    three = Deployment(
        processes=(process("a", "redis://x", "1"), process("b", "redis://x", "2"), process("c", "redis://y", "3"))
    )
    assert [each.users for each in three.targets(RedisSettings).found] == [("a", "b"), ("c",)]


def test_what_one_layer_lacks_does_not_hide_another() -> None:
    half = deployment(Both, "worker", kafka_bootstrap_servers="x:9092", consumer_concurrency="many")

    assert half.targets(DatabaseSettings).wrong == ("DATABASE_URL is not set",)
    assert len(half.targets(KafkaSettings).found) == 1
    assert half.targets(RedisSettings) == Targets(found=(), wrong=())


def test_an_embedded_stack_is_looked_at_by_the_processes_that_it_has() -> None:
    found = given_deployment({"relay": {"DATABASE_URL": "postgresql://x"}, "migrate": {}})
    assert [each.name for each in found.processes] == ["migrate", "relay"]
    assert found.embedded
    assert "postgresql" not in repr(found)
