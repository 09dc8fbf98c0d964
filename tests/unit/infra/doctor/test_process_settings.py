import json

from back_office.settings import BackOfficeSettings
from infra.doctor.deployment import Deployment, Process
from infra.doctor.finding import Status
from infra.doctor.process_settings import settings_findings
from infra.settings.http import DEVELOPMENT_KEY_SHA256
from infra.settings.postgres import DatabaseSettings, MigrationSettings
from infra.settings.redis import RedisSettings
from infra.settings.stripe import StripeSettings
from infra.stripe_sandbox.settings import SandboxSettings
from query_api.settings import QueryApiSettings
from tests.unit.infra.doctor.deployments import deployment, statuses


class Both(DatabaseSettings, RedisSettings):
    pass


def test_a_variable_that_is_missing_is_one_line_for_all_that_need_it() -> None:
    (found,) = settings_findings(deployment(RedisSettings, "command-api", "worker-sweeper"))

    assert (found.subject, found.status) == ("REDIS_URL", Status.ERROR)
    assert found.detail == "REDIS_URL is not set (command-api, worker-sweeper)"
    assert found.remedy is not None
    assert ".env.example" in found.remedy


def test_every_wrong_variable_has_its_line_and_none_its_value() -> None:
    found = list(settings_findings(deployment(Both, redis_url="secret-host", database_pool_size="lots")))

    assert {each.subject for each in found} == {"REDIS_URL", "DATABASE_URL", "DATABASE_POOL_SIZE"}
    assert all(each.status is Status.ERROR for each in found)
    assert not any(value in str(found) for value in ("secret-host", "lots"))


def test_a_live_key_outside_production_is_an_error() -> None:
    (found,) = settings_findings(deployment(StripeSettings, stripe_secret_key="sk_live_abc123"))
    assert found.detail.startswith("STRIPE_SECRET_KEY: is a live key")
    assert "abc123" not in str(found)


def test_what_production_refuses_is_an_error() -> None:
    development = {
        "READ_DATABASE_URL": "postgresql://x",
        "API_KEYS": json.dumps([{"id": "d", "sha256": DEVELOPMENT_KEY_SHA256, "merchant_id": "m", "scopes": []}]),
        "QUERY_ANONYMOUS_MERCHANT_ID": "m",
    }
    assert statuses(list(settings_findings(deployment(QueryApiSettings, **development)))) == {"processes": Status.OK}
    found = list(settings_findings(deployment(QueryApiSettings, app_env="production", **development)))
    assert {each.subject: each.status for each in found} == {
        "API_KEYS": Status.ERROR,
        "QUERY_ANONYMOUS_MERCHANT_ID": Status.ERROR,
    }


def test_processes_that_can_start_are_named() -> None:
    (found,) = settings_findings(deployment(RedisSettings, "a", "b", redis_url="redis://x"))
    assert (found.status, found.detail) == (Status.OK, "can start: a, b")


def test_only_who_migrates_needs_the_owner() -> None:
    (unset,) = settings_findings(deployment(MigrationSettings, "migrate"))
    (wrong,) = settings_findings(deployment(MigrationSettings, "migrate", migration_database_url="postgresql//x"))
    assert (unset.status, wrong.status) == (Status.SKIPPED, Status.ERROR)


def test_a_back_office_of_which_nothing_is_set_is_none() -> None:
    (unset,) = settings_findings(deployment(BackOfficeSettings, "back-office"))
    (half,) = settings_findings(deployment(BackOfficeSettings, "back-office", back_office_api_key="sk_1"))
    assert (unset.status, half.status) == (Status.SKIPPED, Status.ERROR)
    assert half.subject == "BACK_OFFICE_STAFF"


def test_the_sandbox_is_no_part_of_production() -> None:
    production = {"APP_ENV": "production"}
    processes = (
        Process(name="sandbox", settings=SandboxSettings, variables=production),
        Process(name="command-api", settings=RedisSettings, variables={**production, "REDIS_URL": "redis://x"}),
    )
    found = statuses(list(settings_findings(Deployment(processes=processes))))
    assert found == {"sandbox": Status.SKIPPED, "processes": Status.OK}
