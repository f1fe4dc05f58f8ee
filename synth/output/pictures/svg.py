"""A drawing: shapes and words at places in pixels, written as SVG."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path

_CHARACTER = 0.56  # mean width of a character against its size
_FONT = "font-family=\"'Source Sans 3', 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif\""


class Drawing:
    """Collects shapes on a white sheet, `width` wide; its height grows with `height`."""

    def __init__(self, width: float, title: str) -> None:
        self.width, self.height = width, 0.0
        self._title = title
        self._parts: list[str] = []

    def rect(self, x: float, y: float, width: float, height: float, fill: str, **more: str | float) -> None:
        """A filled box."""
        box = f'x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.0):.1f}" height="{height:.1f}"'
        self._parts.append(f'<rect {box} fill="{fill}"{_attributes(more)}/>')

    def line(self, x: float, y: float, to_x: float, to_y: float, stroke: str, **more: str | float) -> None:
        """A straight line."""
        self.path(f"M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}", stroke, "none", **more)

    def path(self, d: str, stroke: str = "none", fill: str = "none", **more: str | float) -> None:
        """A path in SVG's own words."""
        self._parts.append(f'<path d="{d}" fill="{fill}" stroke="{stroke}"{_attributes(more)}/>')

    def text(self, x: float, y: float, words: str, size: float, fill: str = "#222", **more: str | float) -> None:
        """Words whose baseline is at `y`."""
        place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{fill}"'
        self._parts.append(f"<text {place}{_attributes(more)}>{escape(words)}</text>")

    def begin(self, **more: str | float) -> None:
        """Open a group with attributes, such as its class."""
        self._parts.append(f"<g{_attributes(more)}>")

    def end(self) -> None:
        """Close the last group opened."""
        self._parts.append("</g>")

    def __str__(self) -> str:
        size = f'width="{self.width:g}" height="{self.height:g}" viewBox="0 0 {self.width:g} {self.height:g}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {_FONT} role="img">'
        sheet = f'<rect width="{self.width:g}" height="{self.height:g}" fill="#fff"/>'
        return "\n".join([head, f"<title>{escape(self._title)}</title>", sheet, *self._parts, "</svg>\n"])

    def save(self, path: Path) -> None:
        """Write the drawing in one step."""
        partial = path.with_name(path.name + ".part")
        partial.write_text(str(self), encoding="utf-8")
        os.replace(partial, path)


def text_width(words: str, size: float) -> float:
    """About how wide words are."""
    return _CHARACTER * size * len(words)


def _attributes(more: dict[str, str | float]) -> str:
    return "".join(f' {name.rstrip("_").replace("_", "-")}="{escape(str(value))}"' for name, value in more.items())
