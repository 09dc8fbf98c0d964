"""Whether every process could start with its settings: one line per missing or wrong variable, never a value."""

from collections.abc import Iterator

from pydantic import ValidationError

from infra.doctor.deployment import Deployment, Process
from infra.doctor.finding import Area, Finding
from infra.settings.loading import explain
from infra.settings.process import ProcessSettings

AREA = Area("Settings")

MIGRATE, SANDBOX, BACK_OFFICE = "migrate", "sandbox", "back-office"
_HOW = "Set it in the environment of these processes, or in .env: .env.example describes it."


def settings_findings(deployment: Deployment) -> Iterator[Finding]:
    """Yield what is wrong, a line for all processes that it keeps from starting, and then those that can start."""
    fine: list[str] = []
    wrong: dict[str, list[str]] = {}
    for process in deployment.processes:
        lines = _problems(process)
        if not lines:
            fine.append(process.name)
        elif process.name == MIGRATE and "MIGRATION_DATABASE_URL is not set" in lines:
            yield AREA.skipped(MIGRATE, "MIGRATION_DATABASE_URL is not set: only who migrates needs it")
        elif process.name == BACK_OFFICE and _has_nothing_of(process, "BACK_OFFICE_STAFF", "BACK_OFFICE_API_KEY"):
            yield AREA.skipped(BACK_OFFICE, "BACK_OFFICE_STAFF is not set: only a back office needs it")
        elif process.name == SANDBOX and _in_production(process):
            yield AREA.skipped(SANDBOX, "it never runs where APP_ENV=production")
        else:
            for line in lines:
                wrong.setdefault(line, []).append(process.name)
    for line, names in wrong.items():
        variable = line.partition(" ")[0].rstrip(":")
        yield AREA.error(variable, f"{line} ({', '.join(names)})", _HOW)
    if fine:
        yield AREA.ok("processes", f"can start: {', '.join(fine)}")


def _problems(process: Process) -> list[str]:
    try:
        process.read(process.settings)
    except ValidationError as error:
        return explain(error)
    return []


def _has_nothing_of(process: Process, *variables: str) -> bool:
    lines = _problems(process)
    return all(f"{variable} is not set" in lines for variable in variables)


def _in_production(process: Process) -> bool:
    try:
        return process.read(ProcessSettings).app_env == "production"
    except ValidationError:
        return False
