"""Draws which event of a payment led to which, as SVG."""

from html import escape

from projections.audit.history import Step

_ROW = 34  # pixels of height for an event
_LEFT = 230  # room for the longest name of what led to an event
_WIDTH = 720
_BEND = 22
_MOST_BENDS = 6
_LONGEST = 26
_STYLE = (
    "<style>text{font:13px system-ui,sans-serif;fill:#1b1f24;stroke:#fff;stroke-width:4;paint-order:stroke}"
    "circle{fill:#4a7fd0}"
    "path{fill:none;stroke:#4a7fd0;stroke-width:1.5}"
    "@media (prefers-color-scheme:dark){text{fill:#e6e8eb;stroke:#1b202a}}</style>"
)


def draw_causes(steps: tuple[Step, ...]) -> str:
    """Draw an event below the other, and a line to each from what led to it: for a page that has the style."""
    return _svg(steps, attributes="", style="")


def causes_image(steps: tuple[Step, ...]) -> str:
    """Draw the same as a file of its own, in light and dark."""
    return _svg(steps, attributes=' xmlns="http://www.w3.org/2000/svg"', style=_STYLE)


def _svg(steps: tuple[Step, ...], *, attributes: str, style: str) -> str:
    row_of = {step.position: number for number, step in enumerate(steps)}
    height = _ROW * len(steps)
    lines, labels = [], []
    for number, step in enumerate(steps):
        y = number * _ROW + _ROW // 2
        if step.caused_by in row_of:
            from_y = row_of[step.caused_by] * _ROW + _ROW // 2
            bend = _LEFT - _BEND * min(_MOST_BENDS, 1 + number - row_of[step.caused_by])
            lines.append(f'<path d="M{_LEFT} {from_y} C{bend} {from_y} {bend} {y} {_LEFT} {y}"/>')
        else:
            source = step.actor if step.causation_id is None else f"{step.actor}: {step.causation_id}"
            labels.append(f'<text x="{_LEFT - 14}" y="{y + 4}" text-anchor="end">{escape(_short(source))}</text>')
        labels.append(f'<circle cx="{_LEFT}" cy="{y}" r="5"/>')
        labels.append(f'<text x="{_LEFT + 14}" y="{y + 4}">{step.position} {escape(step.type)}</text>')
    return (
        f'<svg{attributes} viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" role="img" '
        f'aria-label="Which event led to which">{style}{"".join(lines)}{"".join(labels)}</svg>'
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
