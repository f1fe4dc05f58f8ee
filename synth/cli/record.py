"""`synth record`: whether records are whole, what went wrong, how long they are kept, and where sessions take place."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from synth.cli.arguments import add_command

if TYPE_CHECKING:
    from synth.cli.arguments import Commands
    from synth.record.reader import Record

_CHECK = """\
  synth record check session
  synth record check session --key-file record.key      with the key it was written with
"""
_INCIDENTS = """\
  synth record incidents sessions/*
  synth record incidents sessions/* --csv > incidents.csv
"""
_PRUNE = """\
  synth record prune sessions --dry-run         what is older than its own retention
  synth record prune sessions --days 30         what is older than 30 days, whatever its record says

only what a render writes is removed, and only from folders that hold a record; other files stay
"""
_SETTING = """\
  synth record setting new setting.toml         a file to fill in
  synth record setting check setting.toml       what is wrong with it, and what is not told yet
"""


def add(commands: Commands) -> None:
    """Add the command with its actions."""
    command = add_command(commands, "record", "check, search and remove the records of sessions", _CHECK + _INCIDENTS)
    actions = command.add_subparsers(title="actions", metavar="ACTION", required=True)

    action = add_command(actions, "check", "say whether records are whole, closed and unchanged", _CHECK)
    action.add_argument("folders", metavar="DIR", type=Path, nargs="+", help="folders of sessions, or their records")
    action.add_argument("--key-file", type=Path, metavar="FILE", help="the key that they were written with")
    action.set_defaults(run=check)

    action = add_command(actions, "incidents", "print the incident log of one or many sessions", _INCIDENTS)
    action.add_argument("folders", metavar="DIR", type=Path, nargs="+", help="folders of sessions, or their records")
    action.add_argument("--csv", action="store_true", help="as CSV")
    action.set_defaults(run=incidents)

    action = add_command(actions, "prune", "remove sessions that have been kept as long as they should be", _PRUNE)
    action.add_argument("folder", metavar="DIR", type=Path, help="a folder of sessions, or a session")
    action.add_argument("--days", type=float, metavar="N", help="keep N days, whatever the records say")
    action.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    action.set_defaults(run=prune)

    action = add_command(actions, "setting", "tell where and how sessions take place (RG-MBI)", _SETTING)
    setting = action.add_subparsers(title="actions", metavar="ACTION", required=True)
    new = add_command(setting, "new", "write a setting file to fill in", _SETTING)
    new.add_argument("file", metavar="FILE", type=Path, help="the file to write (TOML)")
    new.set_defaults(run=new_setting)
    read = add_command(setting, "check", "read setting files; say what is wrong and what is not told yet", _SETTING)
    read.add_argument("files", metavar="FILE", type=Path, nargs="+", help="setting files (TOML)")
    read.set_defaults(run=check_setting)


def check(arguments: argparse.Namespace) -> int:
    """Say of each record whether it is whole; 2 when one is not, or cannot be told without its key."""
    from synth.record.chain import read_key
    from synth.record.reader import RecordError, read_record

    key = None
    if arguments.key_file:
        key, warning = read_key(arguments.key_file)
        if warning:
            print(f"synth: {warning}", file=sys.stderr)
    bad = 0
    for folder in arguments.folders:
        try:
            record = read_record(folder, key)
        except RecordError as error:
            problems = [str(error)]
        else:
            problems = [f"{folder}: {text}" for text in (*record.breaks, *_unproved(record))]
        if problems:
            bad += 1
            print("\n".join(problems), file=sys.stderr)
        else:
            print(f"{folder}: {_whole(record)}")
    return 2 if bad else 0


def _unproved(record: Record) -> list[str]:
    if record.integrity and not record.checked and not record.breaks:
        return ["it was written with a key: give that with --key-file to check it"]
    return []


def _whole(record: Record) -> str:
    from synth.record.chain import KEYED

    lines = f"{len(record.lines) + 1} lines"
    if not record.integrity:
        known = f"{lines} that can be read; of an older version, which does not show changes"
    elif record.integrity == KEYED:
        known = f"{lines}, none changed"
    else:
        known = f"{lines}, none changed by accident (one changed on purpose shows only with a key)"
    torn = "; what was added last is torn" if record.cut else ""
    if record.closed:
        return f"{known}; the session was closed{torn}"
    return f"{known}{torn}; not closed: it plays still, broke off, or lost lines at its end"


def incidents(arguments: argparse.Namespace) -> int:
    """Print the incidents of all sessions."""
    from synth.record.incidents import as_csv, as_table
    from synth.record.incidents import incidents as log
    from synth.record.reader import read_record

    records = [(folder, read_record(folder)) for folder in arguments.folders]
    for folder, record in records:
        for text in record.breaks:
            print(f"synth: {folder}: {text}", file=sys.stderr)
    rows = [row for folder, record in records for row in log(record, str(folder))]
    if arguments.csv:
        print(as_csv(rows), end="")
    else:
        print(as_table(rows) if rows else "no incidents")
    return 0


def prune(arguments: argparse.Namespace) -> int:
    """Remove old sessions, and tell of each."""
    from datetime import UTC, datetime

    from synth.record.retention import prune

    found = prune(arguments.folder, datetime.now(UTC), days=arguments.days, dry_run=arguments.dry_run)
    for session in found:
        print(f"{session.folder}: {session.words}")
    removed = sum(session.removed for session in found)
    print(f"{removed} of {len(found)} sessions {'would be ' if arguments.dry_run else ''}removed")
    return 2 if any(session.failed for session in found) else 0


def new_setting(arguments: argparse.Namespace) -> int:
    """Write a setting file to fill in."""
    from synth.record.setting import SettingError, template

    try:
        with arguments.file.open("x", encoding="utf-8") as file:
            file.write(template())
    except FileExistsError:
        raise SettingError(f"{arguments.file} is there already: give another name") from None
    print(f"{arguments.file}: fill it in, then `synth record setting check {arguments.file}`")
    return 0


def check_setting(arguments: argparse.Namespace) -> int:
    """Read setting files; say what is wrong with them, and what a report would lack."""
    from synth.record.setting import check_setting, load_setting, missing

    bad = 0
    for file in arguments.files:
        problems = check_setting(file)
        if problems:
            bad += 1
            print("\n".join(problems), file=sys.stderr)
            continue
        lacking = missing(load_setting(file), header={})  # what the music is, the engine tells by itself
        print(f"{file}: good, and {'complete' if not lacking else 'not told yet:'}")
        for text in lacking:
            print(f"  {text}")
    return 2 if bad else 0
