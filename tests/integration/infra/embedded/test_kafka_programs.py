"""Finding Java, and fetching Kafka's programs, with stand-ins for `java` and `mvn`: no network, no Java."""

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from infra.embedded.apache_kafka import jars
from infra.embedded.apache_kafka.jars import available, ensure_jars, jars_folder
from infra.embedded.apache_kafka.java import find_java
from infra.embedded.errors import JarsAltered, JarsMissing, JavaMissing
from infra.embedded.reports import Report, StepBegan, StepDone
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

_JAVA = """#!/bin/sh
echo 'openjdk version "{version}" 2025-04-15' >&2
"""
# Writes what it was asked for, as Maven would, and a line for each time that it runs.
_MAVEN = """#!/bin/sh
echo run >> "{runs}"
for option in "$@"; do
    case "$option" in -DoutputDirectory=*) folder="${{option#*=}}" ;; esac
done
{act}
"""
_FETCH = 'mkdir "$folder" && printf {content} > "$folder/kafka.jar"'


class Machine:
    """A machine with the programs that a test puts on it."""

    def __init__(self, folder: Path) -> None:
        self._programs = folder / "bin"
        self._programs.mkdir()
        self._runs = folder / "runs"
        self.server = folder / "server"
        self.server.mkdir()
        self.pin("kafka")

    def pin(self, content: str) -> None:
        digest = hashlib.sha256(content.encode()).hexdigest()
        (self.server / "pom.xml").write_text("<project/>")
        (self.server / "jars.sha256").write_text(f"{digest}  kafka.jar\n")

    def has_java(self, version: str = "17.0.15") -> Path:
        return self._program("java", _JAVA.format(version=version))

    def has_maven(self, act: str = _FETCH.format(content="kafka")) -> Path:
        return self._program("mvn", _MAVEN.format(runs=self._runs, act=act))

    @property
    def fetched(self) -> int:
        return len(self._runs.read_text().splitlines()) if self._runs.exists() else 0

    def _program(self, name: str, text: str) -> Path:
        path = self._programs / name
        path.write_text(text)
        path.chmod(0o755)
        return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(jars, "SERVER", made.server)
    return made


@pytest.fixture
def shell_tools(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> Machine:
    """`mkdir` for the stand-in of Maven, behind the machine's own programs."""
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:/usr/bin:/bin")
    return machine


class TestJava:
    def test_is_found_in_path(self, machine: Machine) -> None:
        java = machine.has_java("21.0.1")
        assert find_java() == java

    def test_of_java_home_comes_first(self, machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        machine.has_java("11.0.2")
        home = tmp_path / "jdk"
        home.mkdir()
        java = Path(machine.has_java("17.0.1")).rename(tmp_path / "java-17")
        (home / "bin").mkdir()
        java.rename(home / "bin" / "java")
        monkeypatch.setenv("JAVA_HOME", str(home))
        assert find_java() == home / "bin" / "java"

    def test_that_is_missing_is_said_with_a_remedy(self, machine: Machine) -> None:
        machine.has_maven()
        with pytest.raises(JavaMissing, match=r"needs Java, and there is none in PATH\. Install Java 17"):
            find_java()
        assert "needs Java" in (available() or "")

    def test_home_without_java_is_named(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        machine.has_java()
        monkeypatch.setenv("JAVA_HOME", "/nowhere")
        with pytest.raises(JavaMissing, match=r"none in JAVA_HOME \(/nowhere\)"):
            find_java()

    @pytest.mark.parametrize(("version", "said"), [("11.0.2", "is Java 11"), ("1.8.0_402", "is Java 1")])
    def test_that_is_too_old_is_said(self, machine: Machine, version: str, said: str) -> None:
        machine.has_java(version)
        with pytest.raises(JavaMissing, match=f"needs Java 17 or newer, and .*/java {said}"):
            find_java()

    def test_that_says_no_version_is_refused(self, machine: Machine) -> None:
        machine.has_java().write_text("#!/bin/sh\nexit 1\n")
        with pytest.raises(JavaMissing, match="does not say its version"):
            find_java()


class TestJars:
    async def test_are_fetched_once_and_that_is_said(self, shell_tools: Machine) -> None:
        shell_tools.has_java()
        shell_tools.has_maven()
        reports: list[Report] = []
        folder = await ensure_jars(reports.append)
        assert [path.name for path in folder.iterdir()] == ["kafka.jar"]
        assert [type(report) for report in reports] == [StepBegan, StepDone]
        assert await ensure_jars(reports.append) == folder
        assert len(reports) == 2
        assert shell_tools.fetched == 1

    async def test_need_no_maven_once_they_are_there(
        self, shell_tools: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        java, maven = shell_tools.has_java(), shell_tools.has_maven()
        await ensure_jars()
        maven.unlink()
        monkeypatch.setenv("PATH", str(java.parent))
        assert available() is None
        assert (await ensure_jars()).exists()

    async def test_two_starts_at_once_fetch_once(self, shell_tools: Machine) -> None:
        shell_tools.has_maven()
        await asyncio.gather(ensure_jars(), ensure_jars())
        assert shell_tools.fetched == 1

    async def test_are_fetched_anew_when_what_is_pinned_changes(self, shell_tools: Machine) -> None:
        shell_tools.has_maven()
        before = await ensure_jars()
        shell_tools.pin("newer")
        shell_tools.has_maven(_FETCH.format(content="newer"))
        assert await ensure_jars() != before

    @pytest.mark.parametrize(
        ("act", "named"),
        [
            (_FETCH.format(content="altered"), "kafka.jar"),
            (_FETCH.format(content="kafka") + ' && printf x > "$folder/more.jar"', "more.jar"),
            ('mkdir "$folder"', "kafka.jar"),
        ],
    )
    async def test_that_are_not_what_is_pinned_are_refused(self, shell_tools: Machine, act: str, named: str) -> None:
        shell_tools.has_maven(act)
        with pytest.raises(JarsAltered, match=f"is not what .*jars.sha256 lists: {named}"):
            await ensure_jars()
        assert not jars_folder().exists()

    async def test_a_failure_of_maven_is_told_with_its_first_error(self, shell_tools: Machine) -> None:
        shell_tools.has_maven("echo '[WARNING] slow'; echo '[ERROR] Unknown host'; echo '[ERROR] more'; exit 1")
        with pytest.raises(JarsMissing, match=r"could not fetch Apache Kafka: Unknown host$"):
            await ensure_jars()

    async def test_without_maven_the_remedy_is_named(self, machine: Machine) -> None:
        machine.has_java()
        with pytest.raises(JarsMissing, match="no mvn in PATH"):
            await ensure_jars()
        assert "no mvn in PATH" in (available() or "")

    async def test_a_fetch_that_is_given_up_leaves_nothing(self, shell_tools: Machine, tmp_path: Path) -> None:
        shell_tools.has_maven("exec sleep 60")
        fetching = asyncio.create_task(ensure_jars())

        async def begun() -> int:
            return shell_tools.fetched

        await eventually(begun)
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching
        assert [path.suffix for path in (tmp_path / "cache" / "paystream").iterdir()] == [".lock"]
