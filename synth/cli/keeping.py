"""How a session's record is kept, on the command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synth.record.keeping import Keeping


def add_keeping(command: argparse.ArgumentParser) -> None:
    """The arguments that say how a record is kept."""
    group = command.add_argument_group("the record")
    add_key(group)
    group.add_argument(
        "--setting", type=Path, metavar="FILE", help="who, where, how often (`synth record setting new`)"
    )
    group.add_argument(
        "--retention-days", type=float, metavar="N", help="`synth record prune` removes the session after so many days"
    )
    group.add_argument("--free-text", action="store_true", help="keep what people write in their own words")


def add_key(command: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """The argument that names a key."""
    command.add_argument(
        "--key-file", type=Path, metavar="FILE", help="a secret of 16 bytes or more: tampering with the record shows"
    )


def keeping(arguments: argparse.Namespace) -> Keeping:
    """What was asked for; a session that is rendered starts now."""
    from datetime import datetime

    from synth.record.chain import read_key
    from synth.record.keeping import Keeping
    from synth.record.setting import load_setting

    key, warning = read_key(arguments.key_file) if arguments.key_file else (None, "")
    if warning:
        print(f"synth: {warning}", file=sys.stderr)
    if not hasattr(arguments, "setting"):
        return Keeping(key)
    return Keeping(
        key,
        arguments.free_text,
        datetime.now().astimezone().isoformat(timespec="seconds"),
        arguments.retention_days,
        load_setting(arguments.setting).as_dict() if arguments.setting else None,
    )
