"""Finds a Java that is new enough for Kafka."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from infra.embedded.environment import java_home
from infra.embedded.errors import JavaMissing

OLDEST = 17
"""Brokers of Kafka 4 need it. Source: https://kafka.apache.org/documentation/#java"""

_ANSWER_WITHIN_S = 20
_REMEDY = (
    f"Install Java {OLDEST} or newer (Debian, Ubuntu: apt-get install openjdk-17-jre-headless maven), or point "
    f"JAVA_HOME to one. `paystream up` without `--broker apache` needs none."
)


def find_java() -> Path:
    """Return the Java program of JAVA_HOME, or else of PATH. Raises JavaMissing when it is too old or not there."""
    home = java_home()
    found = str(home / "bin" / "java") if home is not None else shutil.which("java")
    if found is None or not os.access(found, os.X_OK):
        where = "PATH" if home is None else f"JAVA_HOME ({home})"
        raise JavaMissing(f"Apache Kafka needs Java, and there is none in {where}. {_REMEDY}")
    version = _version(found)
    if version is None or version < OLDEST:
        said = "does not say its version" if version is None else f"is Java {version}"
        raise JavaMissing(f"Apache Kafka needs Java {OLDEST} or newer, and {found} {said}. {_REMEDY}")
    return Path(found)


def _version(java: str) -> int | None:
    """Return the major version: 17 of `openjdk version "17.0.15"`, 1 of `java version "1.8.0_402"`."""
    try:
        said = subprocess.run(  # noqa: S603 - the user's own Java
            [java, "-version"], capture_output=True, text=True, check=False, timeout=_ANSWER_WITHIN_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(\d+)', said.stderr + said.stdout)
    return int(found[1]) if found else None
