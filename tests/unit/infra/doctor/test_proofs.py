"""The doctor says whether the log is sealed."""

from pathlib import Path

import pytest

from infra.doctor.finding import Status
from infra.doctor.proofs import proof_findings
from infra.settings.process import ProcessSettings
from infra.settings.proofs import SealerKeySettings
from tests.unit.infra.doctor.deployments import deployment, statuses


def found(**variables: str) -> dict[str, Status]:
    return statuses(list(proof_findings(deployment(SealerKeySettings, **variables))))


def test_without_a_key_it_says_that_nothing_is_sealed() -> None:
    (finding,) = proof_findings(deployment(SealerKeySettings))
    assert finding.status is Status.SKIPPED
    assert "off" in finding.detail
    assert "new-key" in str(finding.remedy)


def test_with_a_key_it_says_where_the_tiles_are(tmp_path: Path) -> None:
    assert found(sealer_key="PRIVATE+KEY+x", proofs_folder=str(tmp_path)) == {"sealer": Status.OK}


@pytest.mark.parametrize(
    ("environment", "status"),
    [("development", {"sealer": Status.OK}), ("production", {"SEALER_KEY_FILE": Status.ERROR})],
)
def test_a_key_that_is_not_there_is_an_error_but_in_development(
    tmp_path: Path, environment: str, status: dict[str, Status]
) -> None:
    given = {"sealer_key_file": str(tmp_path / "key"), "proofs_folder": str(tmp_path), "app_env": environment}
    assert found(**given) == status


@pytest.mark.parametrize("origin", ["pay.example/eu-1", "eu-1.pay.example/log", "eu-1"])
def test_a_cells_key_names_the_cell(tmp_path: Path, origin: str) -> None:
    key, folder = f"PRIVATE+KEY+{origin}+x+y", str(tmp_path)
    (tmp_path / "key").write_text(f"{key}\n")
    assert found(sealer_key=key, proofs_folder=folder, cell="eu-1") == {"sealer": Status.OK}
    in_a_file = {"sealer_key_file": str(tmp_path / "key"), "proofs_folder": folder}
    assert found(**in_a_file, cell="eu-1") == {"sealer": Status.OK}
    assert found(**in_a_file) == {"sealer": Status.OK}
    assert found(**in_a_file, cell="eu-2") == {"sealer": Status.OK, "origin": Status.WARNING}
    assert found(sealer_key=key, proofs_folder=folder, cell="eu") == {"sealer": Status.OK, "origin": Status.WARNING}


def test_a_deployment_without_a_sealer_is_not_asked() -> None:
    assert list(proof_findings(deployment(ProcessSettings))) == []
