"""Pages on paper: A4, readable, the same words, plots drawn; one sheet for the person whatever the record holds."""

from __future__ import annotations

import builtins
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdf
import pytest

from synth.record import RecordWriter, read_record
from synth.record import pdf as pdf_module
from synth.record.pages import write_pages
from synth.record.pdf import PdfError, as_pdf, write_pdf, write_person_pdf

A4_PT = (595.28, 841.89)


def sheets(path: Path) -> list[pypdf.PageObject]:
    return list(pypdf.PdfReader(path).pages)


def said(path: Path) -> str:
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in sheets(path)))


def test_the_report_on_paper_tells_what_the_page_tells(make_session: Callable[..., Path]) -> None:
    folder = make_session(full=True)
    write_pages(folder, pdf=True)
    pages = sheets(folder / "report.pdf")
    assert 3 <= len(pages) <= 8
    for sheet in pages:
        assert (float(sheet.mediabox.width), float(sheet.mediabox.height)) == pytest.approx(A4_PT, abs=0.1)
    told = said(folder / "report.pdf")
    for words in ("Why the music moved", "What is not known", "59.2 dB SPL", "Every line is in place", "72 \u2192 60"):
        assert words in told
    assert "Hover over" not in told
    html = (folder / "report.html").read_text(encoding="utf-8")
    sentences = re.findall(r"<li><time>[^<]*</time><span[^>]*>[^<]*</span><p>([^<&]*)</p>", html)
    squeezed = re.sub(r"\W", "", told)
    assert len(sentences) >= 8 and all(re.sub(r"\W", "", text) in squeezed for text in sentences)


def test_plots_are_drawn_in_their_colours(make_session: Callable[..., Path]) -> None:
    """Thousands of points in the plots' own colours: without a style WeasyPrint fills them black."""
    folder = make_session(full=True)
    write_pdf(read_record(folder), folder / "controls.csv", folder / "report.pdf")
    drawn = "".join(sheet.get_contents().get_data().decode("latin-1") for sheet in sheets(folder / "report.pdf"))
    forms = [
        item.get_object().get_data().decode("latin-1")
        for sheet in sheets(folder / "report.pdf")
        for item in sheet["/Resources"].get("/XObject", {}).values()
    ]
    drawn += "".join(forms)
    for colour in ("0.058824 0.462745 0.431373", "0.705882 0.32549 0.035294", "0.184314 0.364706 0.623529"):
        assert f"{colour} RG" in drawn
    assert len(re.findall(r" l\n", drawn)) > 5_000


def test_the_persons_page_is_one_sheet(make_session: Callable[..., Path]) -> None:
    for options in ({"full": True}, {"sensed": False}, {"minutes": 0.5}, {"older": True}):
        folder = make_session(**options)
        write_pages(folder, person=True, pdf=True)
        (sheet,) = sheets(folder / "person.pdf")
        assert (float(sheet.mediabox.width), float(sheet.mediabox.height)) == pytest.approx(A4_PT, abs=0.1)
        assert "What this page cannot tell" in said(folder / "person.pdf")


@pytest.mark.parametrize("long", ["Wonderfully long words and more of them " * 30, "W" * 999])
def test_the_persons_page_is_one_sheet_however_much_there_is_to_tell(
    make_session: Callable[..., Path], long: str
) -> None:
    folder = make_session(full=True)
    record = read_record(folder)

    def lengthened(line: dict[str, Any]) -> dict[str, Any]:
        if line["type"] in ("safety", "scores", "phase", "verb"):
            key = {"safety": "text", "scores": "name", "phase": "text", "verb": "verb"}[line["type"]]
            return {**line, key: f"{line[key]} {long}"}
        return line

    preset = record.header["preset"] | {"title": long, "summary": long}
    with RecordWriter(folder / "session.jsonl", overwrite=True, free_text=True) as out:
        out.write(record.header | {"preset": preset, "constraints": [long] * 9, "minutes": 99.0})
        for line in record.lines:
            out.write(lengthened(line))
            if line["type"] == "scores":
                for k in range(5):
                    out.write({**lengthened(line), "name": f"{long}{k}", "cut_points": [], "loinc": ""})
            if line["type"] == "phase":
                out.write({"type": "safety", "t_s": line["t_s"], "text": f"{line['text']} {long}"})
    write_person_pdf(read_record(folder), folder / "controls.csv", folder / "person.pdf")
    assert len(sheets(folder / "person.pdf")) == 1
    assert "Nothing on this page is a measure of health" in said(folder / "person.pdf")


def test_the_same_page_gives_the_same_bytes_and_fetches_nothing(tmp_path: Path) -> None:
    (tmp_path / "more.css").write_text('p::after { content: "fetched" }')
    page = f'<link rel="stylesheet" href="{(tmp_path / "more.css").as_uri()}"><p>seen</p>'
    made = as_pdf(page)
    assert made == as_pdf(page)
    told = pypdf.PdfReader(io.BytesIO(made)).pages[0].extract_text()
    assert "seen" in told and "fetched" not in told


@pytest.mark.parametrize(("error", "told"), [(ImportError("no"), "isotone[pdf]"), (OSError("pango"), "libpango-1.0-0")])
def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, make_session: Callable[..., Path], error: Exception, told: str
) -> None:
    real = builtins.__import__

    def importing(name: str, *more: Any) -> Any:
        if name == "weasyprint":
            raise error
        return real(name, *more)

    folder = make_session(minutes=0.5)
    monkeypatch.setattr(builtins, "__import__", importing)
    with pytest.raises(PdfError, match=re.escape(told)):
        pdf_module.need_pdf()
    with pytest.raises(PdfError, match=re.escape("pip install 'isotone[pdf]'")):
        write_pages(folder, pdf=True)
    assert not (folder / "report.html").exists()  # nothing half made
