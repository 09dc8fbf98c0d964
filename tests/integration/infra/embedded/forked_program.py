"""What the tests of the fork server run: says what it found in one line of JSON, then does what its argument says."""

import json
import os
import random
import signal
import sys
import uuid
from pathlib import Path

from uuid_utils.compat import uuid7


def main() -> None:
    found = {
        "pid": os.getpid(),
        "session": os.getsid(0),
        "arguments": sys.argv[1:],
        "environment": dict(os.environ),
        "folder": str(Path.cwd()),
        "open": sorted(str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.exists()),
        "random": [random.random(), str(uuid.uuid4()), str(uuid7())],
        "title": Path("/proc/self/cmdline").read_bytes().rstrip(b"\0").decode(),
        "loaded": "command_api.app" in sys.modules,
    }
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()
    sys.stderr.write("to the error output\n")
    if sys.argv[1] == "wait":
        signal.pause()
    if sys.argv[1] == "fail":
        raise RuntimeError("it does not work at all")
    sys.exit(int(sys.argv[1]))


if __name__ == "__main__":
    main()
