import json

from infra.doctor.deployment import Deployment, Process
from infra.doctor.finding import Area
from infra.doctor.secrets import secrets_of, without_secrets
from infra.redis.redlock import RedlockSettings
from infra.settings.http import ApiKeySettings
from infra.settings.kafka import KafkaSettings
from infra.settings.postgres import DatabaseSettings
from infra.settings.stripe import StripeWebhookSettings
from tests.unit.infra.doctor.deployments import deployment

AREA = Area("Tests")


class Everything(DatabaseSettings, RedlockSettings, KafkaSettings, StripeWebhookSettings, ApiKeySettings):
    pass


VARIABLES = {
    "DATABASE_URL": "postgresql://app:database%2Fpassword@db:5432/pay",
    "REDIS_URL": "redis://:redis-password@cache:6379/0",
    "REDLOCK_URLS": "redis://:lock-password-1@a:1,redis://:lock-password-2@b:1",
    "KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
    "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "KAFKA_SASL_MECHANISM": "PLAIN",
    "KAFKA_SASL_USERNAME": "pay",
    "KAFKA_SASL_PASSWORD": "kafka-password",
    "STRIPE_SECRET_KEY": "sk_test_stripe+key",
    "STRIPE_WEBHOOK_SECRET": "whsec_first.one,whsec_second.one",
}


def test_every_secret_and_every_password_within_one_is_known() -> None:
    found = secrets_of(deployment(Everything, **VARIABLES))
    assert found >= {
        *("database%2Fpassword", "database/password", "redis-password", "lock-password-1", "lock-password-2"),
        *("kafka-password", "sk_test_stripe+key", "whsec_first.one", "whsec_second.one", VARIABLES["DATABASE_URL"]),
    }


def test_keywords_hide_their_password_too() -> None:
    url = "host=db user=app password='with a blank' dbname=pay"
    assert "with a blank" in secrets_of(deployment(DatabaseSettings, database_url=url))


def test_a_wrong_variable_does_not_hide_the_secrets_beside_it() -> None:
    broken = {**VARIABLES, "REDIS_TIMEOUT_MS": "soon", "API_KEYS": json.dumps("?")}
    process = Process(name="x", settings=Everything, variables=broken)
    assert "database/password" in secrets_of(Deployment(processes=(process,)))


def test_no_secret_is_left_in_what_others_said() -> None:
    secrets = secrets_of(deployment(Everything, **VARIABLES))
    said = [AREA.error("x", f"the server said <{secret}>", f"do not use {secret}") for secret in secrets]

    shown = without_secrets(said, secrets)

    assert all(each.detail == "the server said <***>" for each in shown)


def test_what_looks_like_a_secret_is_masked_though_nobody_knows_it() -> None:
    (shown,) = without_secrets([AREA.error("x", "postgresql://a:hidden@b and whsec_abc123", "sk_live_abc123")], [])
    assert (shown.detail, shown.remedy) == ("postgresql://a:***@b and whsec_***", "sk_live_***")


def test_a_password_that_is_a_common_word_leaves_our_own_words_readable() -> None:
    (shown,) = without_secrets(
        [AREA.error("x", "paystream_app may not; paystream", "paystream migrate")], ["paystream"]
    )
    assert (shown.detail, shown.remedy) == ("paystream_app may not; ***", "paystream migrate")
