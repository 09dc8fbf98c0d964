"""Takes another version of uPlot: `python -m back_office.static.charts.update FOLDER`, with the unpacked npm package.

`npm pack uplot@VERSION` fetches it.
"""

import sys
from pathlib import Path

from infra.http import vendored

FILES = {"LICENSE": "LICENSE", "dist/uPlot.iife.min.js": "uPlot.iife.min.js", "dist/uPlot.min.css": "uPlot.min.css"}

if __name__ == "__main__":
    vendored.update(Path(sys.argv[1]), Path(__file__).parent, FILES)
