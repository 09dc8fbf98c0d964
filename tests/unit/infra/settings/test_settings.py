import hashlib
import json
from pathlib import Path

import pytest
import stripe  # noqa: F401 - brings urllib3, which opens a socket when it is first imported: not within a test
from pydantic import SecretStr

from infra.settings.http import DEVELOPMENT_KEY_SHA256, DEVELOPMENT_KEYS_SHA256, ApiKeySettings
from infra.settings.kafka import KafkaSettings
from infra.settings.loading import load_settings
from infra.settings.postgres import DatabaseSettings
from infra.settings.process import ProcessSettings
from infra.settings.proofs import ProofsSettings
from infra.settings.redis import RedisSettings
from infra.settings.stripe import StripeSettings, StripeWebhookSettings
from tests.support.configuration_page import settings_classes


class EverySettings(DatabaseSettings, RedisSettings, KafkaSettings, StripeSettings, ApiKeySettings):
    command_api_port: int = 8000


HINT = "Settings are described in .env.example; `make run` needs none."
SECRET = "hunter2-very-secret"


def an_api_key(**changes: object) -> dict[str, object]:
    return {
        "id": "dev",
        "sha256": hashlib.sha256(b"sk_dev_paystream").hexdigest(),
        "merchant_id": "merchant_dev",
        "scopes": ["payments:read"],
    } | changes


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.chdir(tmp_path)
    for name in EverySettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("DATABASE_URL", f"postgresql://app:{SECRET}@localhost/paystream")
    monkeypatch.setenv("REDIS_URL", "redis://localhost:6379/0")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
    monkeypatch.setenv("STRIPE_SECRET_KEY", f"sk_test_{SECRET}")
    monkeypatch.setenv("API_KEYS", json.dumps([an_api_key()]))
    return monkeypatch


def errors_of(capsys: pytest.CaptureFixture[str]) -> list[str]:
    with pytest.raises(SystemExit) as ended:
        load_settings(EverySettings)
    assert ended.value.code == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert SECRET not in output.err
    return output.err.splitlines()


def test_settings_come_from_the_variables_of_their_names() -> None:
    settings = load_settings(EverySettings)

    assert settings.database_url.get_secret_value() == f"postgresql://app:{SECRET}@localhost/paystream"
    assert settings.api_keys[0].merchant_id == "merchant_dev"
    assert settings.app_env == "development"
    assert settings.shutdown_grace_ms == 8000
    assert SECRET not in repr(settings)


def test_each_missing_variable_is_one_line(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    environment.delenv("DATABASE_URL")
    environment.delenv("STRIPE_SECRET_KEY")

    assert errors_of(capsys) == ["DATABASE_URL is not set", "STRIPE_SECRET_KEY is not set", HINT]


def test_an_empty_variable_counts_as_not_set(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("STRIPE_API_BASE", "")
    assert load_settings(EverySettings).stripe_api_base is None

    environment.setenv("DATABASE_URL", "")
    assert errors_of(capsys) == ["DATABASE_URL is not set", HINT]


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        ("DATABASE_URL", f"garbage{SECRET}", "DATABASE_URL: must be like postgresql://user:password@"),
        ("DATABASE_URL", f"pasword={SECRET}", "DATABASE_URL: must be like postgresql://user:password@"),
        ("DATABASE_URL", f"mysql://root:{SECRET}@x/y", "DATABASE_URL: must be like postgresql://user:password@"),
        ("REDIS_URL", f"http://:{SECRET}@x", "REDIS_URL: must be like redis://host:6379/0"),
        ("DATABASE_POOL_SIZE", f"many{SECRET}", "DATABASE_POOL_SIZE: input should be a valid integer"),
        ("KAFKA_TRANSACTIONS", "perhaps", "KAFKA_TRANSACTIONS: input should be a valid boolean"),
        ("TRACE_SAMPLING_RATIO", "nan", "TRACE_SAMPLING_RATIO: input should be a finite number"),
        ("APP_ENV", "staging", "APP_ENV: input should be 'development', 'test' or 'production'"),
        ("STRIPE_API_BASE", "127.0.0.1:8002", "STRIPE_API_BASE: must be an address like http://"),
        ("API_KEYS", f"[{SECRET}", "API_KEYS: is not JSON: Expecting value at character 1"),
        ("API_KEYS", json.dumps([an_api_key(sha256=SECRET)]), "API_KEYS[0].sha256: string should match pattern"),
        ("API_KEYS", json.dumps([an_api_key(key=SECRET)]), "API_KEYS[0].key: extra inputs are not permitted"),
        ("API_KEYS", json.dumps([an_api_key(scopes=["payment:write"])]), "API_KEYS[0].scopes"),
        ("API_KEYS", json.dumps([an_api_key(scopes=["payments:read", "*"])]), "API_KEYS[0].scopes"),
        ("API_KEYS", json.dumps([an_api_key(scopes=["Payments:read"])]), "API_KEYS[0].scopes"),
        ("API_KEYS", json.dumps([an_api_key(), an_api_key()]), "API_KEYS: has the same id twice"),
        ("API_KEYS", json.dumps([an_api_key(), an_api_key(id="b")]), "API_KEYS: has the same key twice"),
    ],
)
def test_a_wrong_variable_is_one_line_without_its_value(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str, line: str
) -> None:
    environment.setenv(variable, value)

    (error,) = errors_of(capsys)
    assert error.startswith(line)


def test_production_refuses_the_development_key(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hashlib.sha256(b"sk_dev_paystream").hexdigest() == DEVELOPMENT_KEY_SHA256
    environment.setenv("APP_ENV", "production")

    expected = "API_KEYS: holds the development key, which APP_ENV=production refuses"
    assert errors_of(capsys) == [expected]

    assert hashlib.sha256(b"sk_dev_paystream_operator").hexdigest() in DEVELOPMENT_KEYS_SHA256
    for digest in DEVELOPMENT_KEYS_SHA256:
        environment.setenv("API_KEYS", json.dumps([an_api_key(sha256=digest.upper())]))
        assert errors_of(capsys) == [expected]


class Secretive(StripeWebhookSettings, DatabaseSettings, RedisSettings):
    pass


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("STRIPE_WEBHOOK_SECRET", "whsec_change_me"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_paystream_sandbox"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_of_somebody_else"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_4f6b2a9c8d7e1f305a6b,whsec_change_me"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_short"),
        ("STRIPE_WEBHOOK_SECRET", "4f6b2a9c8d7e1f305a6b"),
        ("STRIPE_SECRET_KEY", "sk_test_change_me"),
        ("STRIPE_SECRET_KEY", "rk_test_CHANGE-ME"),
        ("STRIPE_SECRET_KEY", "sk_test_paystream_sandbox"),
        ("DATABASE_URL", "postgresql://paystream_app_login:change-me@db:5432/paystream"),
        ("DATABASE_URL", "host=db user=app password=development-only-app"),
        ("REDIS_URL", "redis://:development-only-valkey@redis:6379/0"),
    ],
)
def test_production_refuses_the_secrets_of_examples(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str
) -> None:
    environment.setenv("STRIPE_WEBHOOK_SECRET", "whsec_4f6b2a9c8d7e1f305a6b")
    environment.setenv(variable, value)
    load_settings(Secretive)

    environment.setenv("APP_ENV", "production")
    with pytest.raises(SystemExit):
        load_settings(Secretive)
    said = capsys.readouterr().err
    assert said.startswith(f"{variable}: ")
    assert len(said.splitlines()) == 1
    assert value not in said


def test_production_takes_secrets_of_its_own(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("APP_ENV", "production")
    environment.setenv("STRIPE_WEBHOOK_SECRET", "whsec_4f6b2a9c8d7e1f305a6b,whsec_9MgBhtZ5fEJD1rnsWyHUAK")
    environment.setenv("STRIPE_SECRET_KEY", "sk_live_51Hc0pYk2tM")
    environment.setenv("DATABASE_URL", f"postgresql://app:{SECRET}@db.example.com/example")
    environment.setenv("REDIS_URL", "redis://cache.example.com:6379/0")
    assert load_settings(Secretive).stripe_livemode


def test_production_refuses_a_stripe_address_without_tls(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("APP_ENV", "production")
    environment.setenv("API_KEYS", json.dumps([an_api_key(sha256="0" * 64)]))
    environment.setenv("STRIPE_API_BASE", "http://sandbox:8002")

    assert errors_of(capsys) == ["STRIPE_API_BASE: must be https when APP_ENV=production"]


def test_api_keys_must_outlive_the_looks_at_them(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Between two looks, no stored key would be taken."""
    environment.setenv("API_KEYS_REFRESH_MS", "60000")
    environment.setenv("API_KEYS_MAX_AGE_S", "119")
    assert errors_of(capsys) == ["API_KEYS_MAX_AGE_S: must be at least 120 with this API_KEYS_REFRESH_MS"]

    environment.setenv("API_KEYS_MAX_AGE_S", "120")
    assert load_settings(EverySettings).api_keys_max_age_s == 120


def test_variables_that_contradict_each_other_are_named_as_they_are(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("PROOFS_FOLDER", "proofs")
    environment.setenv("PROOFS_BUCKET", "s3://paystream/proofs")
    with pytest.raises(SystemExit):
        load_settings(ProofsSettings)
    said = "PROOFS_FOLDER and PROOFS_BUCKET are both set: the log is sealed into one place\n"
    assert capsys.readouterr().err == said


def test_no_process_takes_a_number_that_is_not_finite() -> None:
    for name, each in settings_classes().items():
        assert each.model_config.get("allow_inf_nan") is False, name


def test_the_log_level_is_read_in_any_case(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("LOG_LEVEL", "debug")

    assert load_settings(ProcessSettings).log_level == "DEBUG"


def test_a_dotenv_file_is_read_and_the_environment_wins(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LOG_LEVEL=ERROR\nHEALTH_PORT=9100\nUNRELATED=1\n")
    environment.setenv("HEALTH_PORT", "9200")

    settings = load_settings(ProcessSettings)
    assert (settings.log_level, settings.health_port) == ("ERROR", 9200)


@pytest.mark.parametrize("value", [" ", ",", "whsec_old,", ",whsec_new", "whsec_a, ,whsec_b"])
def test_an_empty_webhook_secret_is_refused(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    environment.setenv("STRIPE_WEBHOOK_SECRET", value)
    with pytest.raises(SystemExit):
        load_settings(StripeWebhookSettings)
    assert capsys.readouterr().err == "STRIPE_WEBHOOK_SECRET: must not be empty, nor have an empty part\n"


@pytest.mark.parametrize("value", [None, ""])
def test_a_webhook_secret_that_is_not_there_is_missed(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str | None
) -> None:
    environment.delenv("STRIPE_WEBHOOK_SECRET", raising=False)
    if value is not None:
        environment.setenv("STRIPE_WEBHOOK_SECRET", value)
    with pytest.raises(SystemExit):
        load_settings(StripeWebhookSettings)
    assert capsys.readouterr().err.startswith("STRIPE_WEBHOOK_SECRET is not set\n")


def test_there_are_two_webhook_secrets_during_a_change_and_none_is_shown(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("STRIPE_WEBHOOK_SECRET", " whsec_old,whsec_new ")
    settings = load_settings(StripeWebhookSettings)
    secrets = [secret.get_secret_value() for secret in settings.stripe_webhook_secret]
    assert secrets == ["whsec_old", "whsec_new"]
    assert "whsec_" not in repr(settings)


@pytest.mark.parametrize(
    ("key", "live"), [("sk_live_1", True), ("rk_live_1", True), ("sk_test_1", False), ("rk_test_1", False)]
)
def test_the_key_says_whether_money_moves(key: str, live: bool) -> None:
    assert StripeSettings(stripe_secret_key=SecretStr(key), app_env="production").stripe_livemode is live


@pytest.mark.parametrize("key", ["sk_live_1", "rk_live_1"])
@pytest.mark.parametrize("app_env", ["development", "test"])
def test_a_live_key_is_refused_outside_production_and_not_shown(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], app_env: str, key: str
) -> None:
    environment.setenv("APP_ENV", app_env)
    environment.setenv("STRIPE_SECRET_KEY", key)
    assert errors_of(capsys) == [
        "STRIPE_SECRET_KEY: is a live key, which moves real money: only APP_ENV=production may use it"
    ]


@pytest.mark.parametrize("environment", ["development", "production"])
@pytest.mark.parametrize("key", ["sk_org_live_1", "SK_LIVE_1", " sk_live_1", "pk_test_1", "whsec_1", "secret"])
def test_what_is_not_known_to_be_a_key_of_one_account_is_refused(
    environment: str, key: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("APP_ENV", environment)
    monkeypatch.setenv("STRIPE_SECRET_KEY", key)
    with pytest.raises(SystemExit):
        load_settings(StripeSettings)
    said = capsys.readouterr().err
    assert said.startswith("STRIPE_SECRET_KEY: must begin with sk_test_ or rk_test_, ")
    assert key.strip() not in said
