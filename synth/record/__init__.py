"""The record of a session: written as it plays, read to replay it or to report on it."""

from __future__ import annotations

from synth.record.lines import FILE_NAME, Line
from synth.record.reader import Record, RecordError, Series, read_record
from synth.record.writer import RecordWriter

__all__ = ["FILE_NAME", "Line", "Record", "RecordError", "RecordWriter", "Series", "read_record"]
