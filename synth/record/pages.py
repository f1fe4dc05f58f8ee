"""All pages of a session's folder, from its record and its controls as heard."""

from __future__ import annotations

from pathlib import Path

from synth.record.lines import FILE_NAME, RecordError
from synth.record.pdf import need_pdf, write_pdf, write_person_pdf
from synth.record.person import write_person
from synth.record.reader import read_record
from synth.record.report import write_report

CONTROLS = "controls.csv"


def write_pages(
    session: str | Path,
    out: str | Path | None = None,
    *,
    pdf: bool = False,
    person: bool = False,
    key: bytes | None = None,
) -> list[Path]:
    """Write report.html and person.html of the session in the folder `session`, and give their paths.

    `out` is another folder for them, made if it is not there; `pdf` adds report.pdf and person.pdf (extra `pdf`);
    `person` leaves out the professional's report; `key` is what the record was written with. RecordError when record or
    controls are not there or cannot be told, PdfError without the extra, OSError when a page cannot be written.
    """
    session = Path(session)
    out = session if out is None else Path(out)
    record = read_record(session, key)
    controls = session / CONTROLS if session.is_dir() else session.with_name(CONTROLS)
    if not controls.is_file():
        raise RecordError(
            f"no {CONTROLS} beside {record.path}: the pages need it; render writes it next to {FILE_NAME}"
        )
    if pdf:
        need_pdf()
    writers = {"person.html": write_person} if person else {"report.html": write_report, "person.html": write_person}
    if pdf:
        writers |= (
            {"person.pdf": write_person_pdf} if person else {"report.pdf": write_pdf, "person.pdf": write_person_pdf}
        )
    out.mkdir(parents=True, exist_ok=True)
    try:
        for name, write in writers.items():
            write(record, controls, out / name)
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        raise RecordError(
            f"{record.path} or {CONTROLS} holds something that cannot be told ({type(error).__name__}: {error}):"
            " was it changed?"
        ) from error
    return [out / name for name in writers]
