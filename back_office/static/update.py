"""Takes another version of htmx: `python -m back_office.static.update FOLDER`, with the unpacked npm package.

`npm pack htmx.org@VERSION` fetches it.
"""

import sys
from pathlib import Path

from infra.http import vendored

FILES = {"LICENSE": "LICENSE", "dist/htmx.min.js": "htmx.min.js", "dist/ext/hx-sse.min.js": "hx-sse.min.js"}

if __name__ == "__main__":
    vendored.update(Path(sys.argv[1]), Path(__file__).parent, FILES)
