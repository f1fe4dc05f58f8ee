"""Files to run the daemon with: a systemd unit, a container file, and its settings explained."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
COMMAND = "@SYNTH@"  # stands in the unit where the `synth` command of this installation belongs


def unit(command: Path) -> str:
    """The systemd unit that runs `command`, the path of an installed `synth`. ValueError for a path that systemd would
    not read as one word."""
    text = str(command)
    if not command.is_absolute() or any(c.isspace() or c in "\"'\\%$;" for c in text):
        raise ValueError(f"{text}: install isotone at an absolute path without spaces, quotes, %, $ and ;")
    return (FOLDER / "isotone.service").read_text(encoding="utf-8").replace(COMMAND, text)


def containerfile() -> str:
    """What an image is built from, at the top of a checkout."""
    return (FOLDER / "Containerfile").read_text(encoding="utf-8")


def example_config() -> str:
    """Every setting with its default, explained."""
    return (FOLDER / "isotone.toml").read_text(encoding="utf-8")
