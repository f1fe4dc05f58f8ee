"""Pages as PDF, by WeasyPrint (extra `pdf`): the same HTML, set for A4."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

from synth.record.figure import read_controls
from synth.record.markup import write_private
from synth.record.person import SIZES, person_page
from synth.record.reader import Record
from synth.record.report import page

_SVG = re.compile(r"<svg [^>]*>")


class PdfError(RuntimeError):
    """No PDF can be made here; the message says what to install."""


def write_pdf(record: Record, controls_csv: Path, out: Path) -> None:
    """Write the report of `record` to `out` as PDF. Raises PdfError without the extra `pdf`, OSError as for a page."""
    write_private(as_pdf(page(record, read_controls(controls_csv), paper=True)), out)


def write_person_pdf(record: Record, controls_csv: Path, out: Path) -> None:
    """Write the person's page to `out` as PDF, one sheet, in the largest type that fits. Raises as write_pdf."""
    played = read_controls(controls_csv)
    for size in SIZES:
        sheets = _set(person_page(record, played, size))
        if len(sheets.pages) == 1:
            break
    write_private(_bytes(sheets), out)


def as_pdf(text: str) -> bytes:
    """A page that was made for paper as PDF; nothing is fetched, and the same page gives the same bytes."""
    return _bytes(_set(text))


def _set(text: str) -> Any:
    """The sheets of a page."""
    need_pdf()
    import weasyprint

    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    ink = Path(__file__).with_name("ink.css").read_text(encoding="utf-8")
    inked = _SVG.sub(lambda found: f"{found[0]}<style>{ink}</style>", text)  # a plot takes no colour from the page here
    fetcher = weasyprint.URLFetcher(allowed_protocols=())
    return weasyprint.HTML(string=inked, url_fetcher=fetcher).render()


def _bytes(sheets: Any) -> bytes:
    return bytes(sheets.write_pdf(pdf_identifier=b"isotone", pdf_tags=True))


def need_pdf() -> None:
    """PdfError with what to install when no PDF can be made here."""
    try:
        import weasyprint  # noqa: F401
    except ImportError as error:
        raise PdfError(f"no PDF can be made without WeasyPrint ({error}): pip install 'isotone[pdf]'") from None
    except OSError as error:
        raise PdfError(
            f"WeasyPrint finds no Pango ({error}): install it (Debian and Ubuntu: apt install libpango-1.0-0"
            " libpangoft2-1.0-0 libharfbuzz-subset0; macOS: brew install pango) and pip install 'isotone[pdf]'"
        ) from None
