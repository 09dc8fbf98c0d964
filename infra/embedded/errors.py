"""What can go wrong with the embedded stack. The text of each error says what to do about it."""


class EmbeddedError(Exception):
    """Root: something that a person has to correct."""


class PackagesMissing(EmbeddedError):
    """The servers' packages are not installed, or have no build for this machine."""


class JavaMissing(EmbeddedError):
    """Apache Kafka is requested, and Java is missing or too old."""


class JarsMissing(EmbeddedError):
    """The programs of Apache Kafka are missing and cannot be fetched."""


class JarsAltered(EmbeddedError):
    """The fetched files of Apache Kafka are not the pinned ones."""


class PortInUse(EmbeddedError):
    """Another program listens on a port that is needed."""

    def __init__(self, message: str, *, port: int) -> None:
        super().__init__(message)
        self.port = port


class PortRangeInvalid(EmbeddedError):
    """PAYSTREAM_PORT_RANGE is no range of ports."""


class HomeUnusable(EmbeddedError):
    """The folder of the embedded stack cannot be created, read or written."""


class HomeInUse(EmbeddedError):
    """Another stack runs on the same folder."""


class DataUnusable(EmbeddedError):
    """PostgreSQL's data is unreadable, damaged, or of another major version."""


class StartFailed(EmbeddedError):
    """A component ended, or did not become ready in time, when it was started."""

    def __init__(self, message: str, *, component: str) -> None:
        super().__init__(message)
        self.component = component
