"""The manifests say what Kubernetes and our processes take. They are only read here: no cluster runs them."""

import base64
import re
import tomllib

import kubernetes_validate
import pytest
import yaml

from consumers.gateway.intake import NAME as GATEWAY
from consumers.saga.intake import NAME as SAGAS_NAME
from consumers.saga.intake import by_kind
from consumers.saga.intake import topics_of as topics_of_sagas
from consumers.saga.registry import SAGAS
from consumers.webhooks.process import NAME as WEBHOOKS
from infra.process.health import Health, health_routes
from infra.settings.postgres import PoolerSettings, SessionSettings
from infra.stripe.guard.settings import StripeGuardSettings
from projections.registry import PROJECTIONS
from projections.runner import CONSUMER, topics_of
from schemas.topics import PAYMENT, STRIPE_EVENT
from tests.support.compose_file import ROOT, SERVICES
from tests.support.kubernetes_manifests import (
    FOLDER,
    RENDERED,
    container,
    environment,
    lacking,
    of_kind,
    pod,
    pod_labels,
    rendered,
    secrets,
    workloads,
)
from tests.unit.infra.deploy.test_compose import LASTING, ONE_SHOT, OURS

pytestmark = pytest.mark.skipif(lacking() is not None, reason=f"KUBERNETES NOT CHECKED: {lacking()}")

VERSIONS = ("1.32", "1.37")
"""Of Kubernetes, the oldest and the newest that is meant."""
BASE, JOBS = "base/processes", "base/jobs"
OVERLAYS = ("production/processes", "production/jobs")
OF_KEDA = ("ScaledObject", "TriggerAuthentication")
PROCESSES = sorted((LASTING & OURS.keys()) - {"sandbox"})
"""The sandbox refuses production, and the servers are the cluster's."""
READ_IN_ORDER = ("relay", "sealer")
"""They read the log in order, past the pooler."""
GRACE_S, EXTRA_S = 8, 4
SECRET_VALUES = {  # of the shape that the settings take
    "API_KEYS": "[]",
    "REDIS_URL": "rediss://:p@redis.internal:6379/0",
    "STRIPE_SECRET_KEY": "sk_live_x",
    "STRIPE_WEBHOOK_SECRET": "whsec_of_sixteen_characters",
    "PRIVACY_WRAPPING_KEYS": f"one:{base64.b64encode(bytes(32)).decode()}",
    "WEBHOOK_SECRETS_KEY": base64.b64encode(bytes(32)).decode(),
    "BACK_OFFICE_API_KEY": "psk_x",
    "BACK_OFFICE_STAFF": "[]",
    "SEALER_KEY": "PRIVATE+KEY+x",
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("folder", RENDERED)
def test_kubernetes_takes_every_manifest(folder: str, version: str) -> None:
    kinds = {each["kind"] for each in rendered(folder)}
    assert kinds - set(OF_KEDA)
    for each in rendered(folder):
        if each["kind"] not in OF_KEDA:
            kubernetes_validate.validate(each, version, strict=True)


def test_what_is_not_a_field_is_noticed() -> None:
    """The check itself: strict, or a misspelt field would pass."""
    wrong = yaml.safe_load((FOLDER / "base/processes/service-account.yaml").read_text("utf-8")) | {"replica": 1}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


def test_every_file_is_used() -> None:
    named = "".join(path.read_text("utf-8") for path in FOLDER.rglob("kustomization.yaml"))
    files = [path for path in FOLDER.rglob("*.yaml") if path.name != "kustomization.yaml"]
    assert files
    assert [path for path in files if path.name not in named] == []


@pytest.mark.parametrize("name", PROCESSES)
def test_each_process_of_compose_is_a_deployment_with_its_command(name: str) -> None:
    assert of_kind(BASE, "Deployment").keys() == set(PROCESSES)
    assert container(of_kind(BASE, "Deployment")[name])["args"] == SERVICES[name]["command"]


def test_what_is_done_once_is_a_job() -> None:
    jobs = of_kind(JOBS, "Job")
    assert jobs.keys() == ONE_SHOT & OURS.keys()
    for name, job in jobs.items():
        assert container(job)["args"] == SERVICES[name]["command"]
        assert pod(job)["restartPolicy"] == "Never"


@pytest.mark.parametrize("folder", RENDERED)
def test_each_process_gets_the_settings_that_it_needs_and_no_others(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, workload in workloads(folder).items():
        settings, found = OURS[name], environment(folder, workload)
        assert {each.lower() for each in found} <= settings.model_fields.keys(), name
        for each in settings.model_fields:
            monkeypatch.delenv(each.upper(), raising=False)
        for variable, value in found.items():
            is_test = variable == "STRIPE_SECRET_KEY" and found["APP_ENV"] != "production"
            filled = "sk_test_x" if is_test else SECRET_VALUES.get(variable, "postgresql://a:b@c/d")
            monkeypatch.setenv(variable, filled if value is None else value)
        settings(_env_file=None)


@pytest.mark.parametrize("folder", OVERLAYS)
def test_production_is_production_and_no_secret_has_a_value(folder: str) -> None:
    for name, workload in workloads(folder).items():
        found = environment(folder, workload)
        assert found.get("APP_ENV", "production") == "production"
        for variable, value in found.items():
            if re.search(r"((?<!_API_)URL|URLS|KEY|KEYS|SECRET|STAFF|PASSWORD|USERNAME)$", variable):
                assert value is None, (name, variable)
    assert not of_kind(folder, "Secret")


def test_who_needs_a_session_goes_past_the_pooler() -> None:
    folder = OVERLAYS[0]
    for name, workload in workloads(folder).items():
        found, of_secrets = environment(folder, workload), secrets(workload)
        pooled = found.get("DATABASE_POOLER") == "transaction"
        assert pooled == (issubclass(OURS[name], PoolerSettings) and name not in READ_IN_ORDER), name
        if issubclass(OURS[name], SessionSettings):
            past = of_secrets.get("DATABASE_DIRECT_URL", of_secrets["DATABASE_URL"])
            assert past.endswith("/direct-url"), name
        if pooled:
            shared = of_secrets.get("DATABASE_URL") or of_secrets["READ_DATABASE_URL"]
            assert shared.endswith("/url"), name
    assert secrets(of_kind(OVERLAYS[1], "Job")["migrate"])["MIGRATION_DATABASE_URL"].endswith("/direct-url")


def test_each_login_is_used_by_those_alone_that_it_is_for() -> None:
    users: dict[str, set[str]] = {}
    for folder in OVERLAYS:
        for name, workload in workloads(folder).items():
            for found in secrets(workload).values():
                if found.startswith("paystream-database-"):
                    users.setdefault(found.partition("/")[0].removeprefix("paystream-database-"), set()).add(name)
    app = set(PROCESSES) - {"relay", "projector", "query-api", "sealer", "back-office"}
    assert users == {
        "owner": {"migrate"},
        "relay": {"relay"},
        "sealer": {"sealer"},
        "projector": {"projector"},
        "query": {"query-api"},
        "audit": {"query-api"},
        "app": app,
    }


@pytest.mark.parametrize("folder", RENDERED)
def test_no_process_can_do_more_than_it_must(folder: str) -> None:
    for name, workload in workloads(folder).items():
        spec, ours = pod(workload), container(workload)
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] == 10001, "the user of the image"
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert ours["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        kept = {"/var/lib/paystream"} if name == "sealer" else set()
        assert {each["mountPath"] for each in ours["volumeMounts"]} == {"/tmp", *kept}
        assert all("emptyDir" in each for each in spec["volumes"] if each["name"] != "proofs")
        assert ours["resources"].keys() == {"requests", "limits"}
        assert ours["resources"]["limits"].keys() == ours["resources"]["requests"].keys() == {"cpu", "memory"}


@pytest.mark.parametrize("name", PROCESSES)
def test_its_probes_ask_the_process_itself(name: str) -> None:
    deployment = of_kind(BASE, "Deployment")[name]
    ours, found = container(deployment), environment(BASE, deployment)
    ((port, number),) = [(each["name"], each["containerPort"]) for each in ours["ports"]]
    own = f"{name.upper().replace('-', '_')}_PORT"
    assert str(number) == found.get(own, found["HEALTH_PORT"])
    assert found.get(own.replace("_PORT", "_HOST"), found["HEALTH_HOST"]) == "0.0.0.0"
    served = {route.path for route in health_routes(Health())}
    for probe, path in (("startup", "live"), ("liveness", "live"), ("readiness", "ready")):
        probed = ours[f"{probe}Probe"]["httpGet"]
        assert probed == {"path": f"/health/{path}", "port": port}
        assert probed["path"] in served


@pytest.mark.parametrize("name", PROCESSES)
def test_it_has_the_time_to_end_in_good_order(name: str) -> None:
    deployment = of_kind(BASE, "Deployment")[name]
    pause = container(deployment).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    assert (pause > 0) == (name in of_kind(BASE, "Service")), "it is sent requests until every proxy knows"
    assert environment(BASE, deployment)["SHUTDOWN_GRACE_MS"] == str(GRACE_S * 1000)
    assert pod(deployment)["terminationGracePeriodSeconds"] >= pause + GRACE_S + EXTRA_S
    # Number 1 would ignore SIGTERM while it starts: Python has no handler yet.
    assert pod(deployment)["shareProcessNamespace"] is True


@pytest.mark.parametrize("folder", ["base/processes", "production/processes"])
def test_a_node_that_is_drained_leaves_one_of_each(folder: str) -> None:
    deployments, budgets = of_kind(folder, "Deployment"), of_kind(folder, "PodDisruptionBudget")
    assert budgets.keys() == deployments.keys()
    for name, deployment in deployments.items():
        assert budgets[name]["spec"]["maxUnavailable"] == 1
        selected = budgets[name]["spec"]["selector"]["matchLabels"]
        assert selected == deployment["spec"]["selector"]["matchLabels"]
        assert [other for other, each in deployments.items() if selected.items() <= pod_labels(each).items()] == [name]
        assert at_least(folder, name) >= 2


def at_least(folder: str, name: str) -> int:
    """Return how many of a process there are at the least."""
    scaled = [
        each["spec"].get("minReplicas", each["spec"].get("minReplicaCount"))
        for kind in ("HorizontalPodAutoscaler", "ScaledObject")
        for each in of_kind(folder, kind).values()
        if each["spec"]["scaleTargetRef"]["name"] == name
    ]
    deployment = of_kind(folder, "Deployment")[name]
    assert bool(scaled) != ("replicas" in deployment["spec"]), "both would set it, in turns"
    return int(scaled[0] if scaled else deployment["spec"]["replicas"])


def test_stripe_is_told_how_many_call_it() -> None:
    folder = OVERLAYS[0]
    callers = [name for name in PROCESSES if issubclass(OURS[name], StripeGuardSettings)]
    for name in callers:
        expected = environment(folder, of_kind(folder, "Deployment")[name])["STRIPE_EXPECTED_PROCESSES"]
        assert expected == str(sum(at_least(folder, each) for each in callers))


def test_consumers_are_scaled_by_the_lag_of_what_they_read() -> None:
    reads = {
        CONSUMER: set(topics_of(PROJECTIONS)),
        GATEWAY: {PAYMENT},
        WEBHOOKS: {STRIPE_EVENT},
        SAGAS_NAME: set(topics_of_sagas(by_kind(SAGAS))),
    }
    folder = OVERLAYS[0]
    scaled = of_kind(folder, "ScaledObject")
    assert scaled.keys() == reads.keys()
    for name, each in scaled.items():
        assert each["spec"]["scaleTargetRef"]["name"] == name
        found = environment(folder, of_kind(folder, "Deployment")[name])
        triggers = [trigger["metadata"] for trigger in each["spec"]["triggers"]]
        assert {trigger["topic"] for trigger in triggers} == reads[name]
        assert {trigger["consumerGroup"] for trigger in triggers} == {name}
        assert {trigger["bootstrapServers"] for trigger in triggers} == {found["KAFKA_BOOTSTRAP_SERVERS"]}
        assert each["spec"]["maxReplicaCount"] <= int(found["KAFKA_TOPIC_PARTITIONS"] or 0)
        (authentication,) = {trigger["authenticationRef"]["name"] for trigger in each["spec"]["triggers"]}
        assert authentication in of_kind(folder, "TriggerAuthentication")


@pytest.mark.parametrize("folder", ["base", "production"])
def test_each_network_policy_selects_something(folder: str) -> None:
    ours = workloads(f"{folder}/processes") | workloads(f"{folder}/jobs")
    policies = of_kind(f"{folder}/processes", "NetworkPolicy")
    assert policies == of_kind(f"{folder}/jobs", "NetworkPolicy")
    for name, policy in policies.items():
        selected = policy["spec"]["podSelector"]["matchLabels"].items()
        assert [each for each in ours.values() if selected <= pod_labels(each).items()], name


@pytest.mark.parametrize("folder", RENDERED)
def test_a_process_may_reach_what_its_settings_name_and_nothing_else(folder: str) -> None:
    policies = of_kind(folder, "NetworkPolicy")
    denied = policies["nothing-by-default"]["spec"]
    assert set(denied["policyTypes"]) == {"Ingress", "Egress"}
    assert "ingress" not in denied
    assert "egress" not in denied
    for name, workload in workloads(folder).items():
        assert denied["podSelector"]["matchLabels"].items() <= pod_labels(workload).items()
        found = environment(folder, workload)
        needed = {
            "database": any(each.endswith("DATABASE_URL") for each in found),
            "kafka": "KAFKA_BOOTSTRAP_SERVERS" in found,
            "redis": "REDIS_URL" in found,
            "stripe": "STRIPE_SECRET_KEY" in found,
        }
        reached = {
            each
            for each in needed
            if policies[each]["spec"]["podSelector"]["matchLabels"].items() <= pod_labels(workload).items()
        }
        assert reached == {each for each, is_needed in needed.items() if is_needed}, name


def test_services_lead_to_the_port_of_their_api() -> None:
    services = of_kind(BASE, "Service")
    assert services.keys() == {"back-office", *(name for name in PROCESSES if name.endswith("-api"))}
    for name, service in services.items():
        deployment = of_kind(BASE, "Deployment")[name]
        assert service["spec"]["selector"].items() <= pod_labels(deployment).items()
        (port,) = service["spec"]["ports"]
        assert container(deployment)["ports"] == [{"name": port["targetPort"], "containerPort": port["port"]}]
        assert pod_labels(deployment)["paystream/is-api"] == "true"


@pytest.mark.parametrize("folder", OVERLAYS)
def test_the_image_is_of_this_version(folder: str) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    images = {container(each)["image"] for each in workloads(folder).values()}
    assert {image.rpartition(":")[2] for image in images} == {version}


def test_every_secret_is_described() -> None:
    text = (ROOT / "docs/deployment.md").read_text("utf-8")
    referenced = {
        found for folder in OVERLAYS for each in workloads(folder).values() for found in secrets(each).values()
    }
    for each in of_kind(OVERLAYS[0], "TriggerAuthentication").values():
        referenced |= {f"{ref['name']}/{ref['key']}" for ref in each["spec"]["secretTargetRef"]}
    described = {
        f"{name}/{key}"
        for name, keys in re.findall(r"^\| `(paystream-[a-z-]+)` \| ((?:`[a-z-]+`(?:, )?)+)", text, re.MULTILINE)
        for key in re.findall(r"`([a-z-]+)`", keys)
    }
    assert described == referenced
