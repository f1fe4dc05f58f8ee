"""The MusicXML of a score set on pages as SVG, by Verovio (extra `engrave`)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

_PAGE = {"pageWidth": 2100, "pageHeight": 2970}  # A4 in tenths of a millimetre
_OPTIONS = {
    **_PAGE,
    "pageMarginTop": 120,
    "pageMarginBottom": 120,
    "pageMarginLeft": 120,
    "pageMarginRight": 120,
    "scale": 58,
    "scaleToPageSize": True,
    "adjustPageHeight": True,
    "breaks": "smart",
    "breaksSmartSb": 0.6,
    "spacingStaff": 10,
    "defaultTopMargin": 1.0,
    "spacingSystem": 12,
    "footer": "none",
    "svgViewBox": True,
    "xmlIdSeed": 1,
}


class EngraveError(RuntimeError):
    """No engraving can be made; the message says what to install."""


def check_installed() -> None:
    """Raises EngraveError without Verovio."""
    if find_spec("verovio") is None:
        raise EngraveError('engraving needs Verovio: pip install "isotone[engrave]"')


def engrave(document: str) -> list[str]:
    """The pages of a MusicXML document as SVG. Raises EngraveError without Verovio, or when it cannot read it."""
    toolkit = _toolkit()
    toolkit.setOptions(_OPTIONS)
    if not toolkit.loadData(document):
        raise EngraveError("Verovio could not read the MusicXML of the score")
    return [toolkit.renderToSVG(page) for page in range(1, toolkit.getPageCount() + 1)]


def write_pages(document: str, folder: Path, name: str = "score") -> list[Path]:
    """Write the pages as name.svg, or name-01.svg and on; earlier pages of that name are removed."""
    pages = engrave(document)
    for old in folder.glob(f"{name}-[0-9]*.svg"):
        old.unlink()
    names = [f"{name}.svg"] if len(pages) == 1 else [f"{name}-{i:02d}.svg" for i in range(1, len(pages) + 1)]
    for file, page in zip(names, pages, strict=True):
        (folder / file).write_text(page, encoding="utf-8")
    return [folder / file for file in names]


def _toolkit() -> Any:
    check_installed()
    import verovio

    verovio.enableLog(verovio.LOG_ERROR)
    return verovio.toolkit()
