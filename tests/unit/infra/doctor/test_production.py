import base64
import re
from pathlib import Path

import pytest

from infra.doctor.addresses import UNREADABLE, postgres_address, redis_address
from infra.doctor.finding import Status
from infra.doctor.production import production_findings
from infra.redis.redlock import RedlockSettings
from infra.settings.kafka import KafkaSecuritySettings
from infra.settings.postgres import (
    MigrationSettings,
    PostgresUrl,
    ReadDatabaseSettings,
    SessionSettings,
)
from infra.settings.privacy import PrivacySettings
from infra.settings.stripe import StripeSettings
from tests.unit.infra.doctor.deployments import deployment, statuses


class Everything(
    PrivacySettings,
    SessionSettings,
    ReadDatabaseSettings,
    MigrationSettings,
    RedlockSettings,
    StripeSettings,
    KafkaSecuritySettings,
):
    erasure_database_url: PostgresUrl | None = None


FINE = {
    "app_env": "production",
    "database_url": "postgresql://app:password@db.example/pay?sslmode=verify-full",
    "migration_database_url": "postgresql://owner:password@db.example/pay?sslmode=verify-full",
    "read_database_url": "postgresql://query:password@db.example/pay?sslmode=verify-full",
    "redis_url": "rediss://cache.example",
    "redlock_urls": "rediss://a.example,rediss://b.example,rediss://c.example",
    "stripe_secret_key": "sk_live_abc",
    "privacy_wrapping_keys": f"2026-11:{base64.b64encode(bytes(32)).decode()}",
}
CONFIGURATION = Path(__file__).parents[4] / "docs" / "configuration.md"
PLAIN = "postgresql://login:password@db.example/pay"
OTHER_DATABASES = (
    *("READ_DATABASE_URL", "DATABASE_DIRECT_URL", "AUDIT_DATABASE_URL", "ERASURE_DATABASE_URL", "ACCESS_DATABASE_URL"),
)
"""Of one process each, of an option of a process, or of commands alone."""


def found(**changes: str) -> dict[str, Status]:
    return statuses(list(production_findings(deployment(Everything, **FINE | changes))))


def test_what_is_fit_for_production_is_fine() -> None:
    assert found() == {"APP_ENV": Status.OK}


def test_what_only_production_must_have_is_asked_for_there_alone() -> None:
    plain = {"stripe_secret_key": "sk_test_1", "redis_url": "redis://cache.example", "app_env": "development"}
    assert found(**plain) == {"APP_ENV": Status.OK}


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({"stripe_api_base": "https://sandbox.example"}, "STRIPE_API_BASE"),
        ({"database_url": "postgresql://app:password@db.example/pay"}, "DATABASE_URL"),
        ({"database_url": "postgresql://app:password@db.example/pay?sslmode=prefer"}, "DATABASE_URL"),
        ({"migration_database_url": "postgresql://owner:password@db.example/pay"}, "MIGRATION_DATABASE_URL"),
        ({"redis_ssl_verify": "none"}, "REDIS_SSL_VERIFY"),
        *(({variable.lower(): PLAIN}, variable) for variable in OTHER_DATABASES),
        ({"kafka_ssl_verify": "none"}, "KAFKA_SSL_VERIFY"),
        ({"redis_url": "redis://:password@cache.example"}, "REDIS_URL"),
        ({"redlock_urls": "rediss://a.example,redis://b.example"}, "REDLOCK_URLS"),
        ({"privacy_encryption": "false"}, "PRIVACY_ENCRYPTION"),
    ],
)
def test_what_is_not_is_a_warning(changes: dict[str, str], subject: str) -> None:
    assert found(**changes) == {subject: Status.WARNING}


def test_a_setting_of_tls_is_as_good_as_one_in_the_address() -> None:
    plain = {
        "database_url": "postgresql://app:password@db.example/pay",
        "migration_database_url": "postgresql://owner:password@db.example/pay",
    }
    assert found(**plain, database_ssl_mode="verify-full") == {"APP_ENV": Status.OK}


def test_every_address_of_a_database_in_the_settings_is_looked_at() -> None:
    documented = set(re.findall(r"`((?:[A-Z]+_)?DATABASE_(?:DIRECT_)?URL)`", CONFIGURATION.read_text()))
    assert documented == {"DATABASE_URL", "MIGRATION_DATABASE_URL", *OTHER_DATABASES}


def test_one_wrong_setting_hides_no_address_without_tls() -> None:
    assert found(read_database_url=PLAIN, stripe_secret_key="", kafka_ssl_verify="what") == {
        "READ_DATABASE_URL": Status.WARNING
    }


def test_what_stays_on_this_machine_needs_no_tls() -> None:
    address = "postgresql://app:password@127.0.0.1/pay"
    local = {"database_url": address, "migration_database_url": address, "redis_url": "redis://localhost:6379"}
    assert found(**local) == {"APP_ENV": Status.OK}


def test_no_password_is_shown() -> None:
    plain = {
        "database_url": "postgresql://app:hunter2@db.example/pay",
        "redis_url": "redis://:hunter2@cache.example:6380/1",
    }
    findings = list(production_findings(deployment(Everything, **FINE | plain)))
    assert "hunter2" not in str(findings)
    assert "db.example:5432/pay" in str(findings)
    assert "cache.example:6380/1" in str(findings)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://:secret@host:6380/2", "host:6380/2"),
        ("rediss://user:secret@host", "host:6379"),
        ("unix:///run/redis.sock?password=secret", "/run/redis.sock"),
        ("redis://host:port", UNREADABLE),
        ("redis://:pass/word@host:6379/0", UNREADABLE),
        ("redis://:1/word@host:6379/0", UNREADABLE),
    ],
)
def test_the_address_of_redis_can_be_shown(url: str, address: str) -> None:
    assert redis_address(url) == address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("postgresql://app:secret@db:5433/pay", "db:5433/pay"),
        ("host=a,b user=app password=secret dbname=pay", "a,b:5432/pay"),
        ("postgresql://app:secret@/pay?host=/run/postgresql", "/run/postgresql:5432/pay"),
        ("postgresql://app:pass/word@host/pay", UNREADABLE),
        ("postgresql://app:12/word@host/pay", UNREADABLE),
    ],
)
def test_the_address_of_a_database_can_be_shown(url: str, address: str) -> None:
    assert postgres_address(url) == address
