"""Takes another version of axe-core."""

import sys
from pathlib import Path

from infra.http import vendored
from tests.support.axe import FILES

vendored.update(Path(sys.argv[1]), Path(__file__).parent, FILES)
