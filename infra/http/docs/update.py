"""Takes another version of Swagger UI: `python -m infra.http.docs.update FOLDER`, with the unpacked npm package.

`npm pack swagger-ui-dist@VERSION` fetches it.
"""

import sys
from pathlib import Path

from infra.http import vendored

FILES = (
    "LICENSE",
    "NOTICE",
    "favicon-32x32.png",
    "swagger-ui-bundle.js",
    "swagger-ui-bundle.js.LICENSE.txt",
    "swagger-ui.css",
)

if __name__ == "__main__":
    vendored.update(Path(sys.argv[1]), Path(__file__).parent, {name: name for name in FILES})
