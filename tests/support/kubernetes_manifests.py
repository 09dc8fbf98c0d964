"""The manifests for Kubernetes as a cluster would get them: rendered by kustomize, or by kubectl."""

import functools
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2] / "infra/deploy/kubernetes"
RENDERED = ("base/processes", "base/jobs", "production/processes", "production/jobs")

Manifest = dict[str, Any]


def lacking() -> str | None:
    """Return why nothing can be rendered on this machine; None when it can."""
    return None if _renderer() else "there is neither kustomize nor kubectl"


def _renderer() -> list[str] | None:
    if program := shutil.which("kustomize") or shutil.which("kustomize", path=str(Path.home() / "go/bin")):
        return [program, "build"]
    return [program, "kustomize"] if (program := shutil.which("kubectl")) else None


@functools.cache
def rendered(folder: str) -> tuple[Manifest, ...]:
    """Return everything that a folder makes."""
    renderer = _renderer()
    assert renderer is not None
    argv = [*renderer, str(FOLDER / folder)]
    made = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert made.returncode == 0, made.stderr
    return tuple(yaml.safe_load_all(made.stdout))


def of_kind(folder: str, kind: str) -> dict[str, Manifest]:
    """Return what a folder makes of a kind, by name."""
    return {each["metadata"]["name"]: each for each in rendered(folder) if each["kind"] == kind}


def workloads(folder: str) -> dict[str, Manifest]:
    """Return the deployments and jobs."""
    return of_kind(folder, "Deployment") | of_kind(folder, "Job")


def pod(workload: Manifest) -> Manifest:
    """Return the specification of its pods."""
    found: Manifest = workload["spec"]["template"]["spec"]
    return found


def container(workload: Manifest) -> Manifest:
    """Return its only container."""
    (found,) = pod(workload)["containers"]
    assert "initContainers" not in pod(workload)
    return dict(found)


def pod_labels(workload: Manifest) -> dict[str, str]:
    """Return the labels that its pods have."""
    found: dict[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return found


def environment(folder: str, workload: Manifest) -> dict[str, str | None]:
    """Return what its process finds in its environment; None: a secret's."""
    settings = of_kind(folder, "ConfigMap")
    found: dict[str, str | None] = {}
    for each in container(workload).get("envFrom", ()):
        found |= settings[each["configMapRef"]["name"]]["data"]
    for each in container(workload).get("env", ()):
        assert each["name"] not in found, "it would hide the other one"
        match each.get("valueFrom"):
            case None:
                found[each["name"]] = each["value"]
            case {"configMapKeyRef": {"name": settings_name, "key": key}}:
                found[each["name"]] = settings[settings_name]["data"][key]
            case {"secretKeyRef": _}:
                found[each["name"]] = None
            case other:
                raise AssertionError(other)
    return found


def secrets(workload: Manifest) -> dict[str, str]:
    """Return the secret and the key of each variable that has one."""
    found = [each for each in container(workload).get("env", ()) if "secretKeyRef" in each.get("valueFrom", {})]
    return {each["name"]: "/".join(each["valueFrom"]["secretKeyRef"][key] for key in ("name", "key")) for each in found}
