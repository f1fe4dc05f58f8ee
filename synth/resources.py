"""Where the files that ship with the engine are: inside the installed package, or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _folder(name: str) -> Path:
    installed = _PACKAGE / f"_{name}"
    folder = installed if installed.is_dir() else _PACKAGE.parent / name
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is missing: this copy of isotone is incomplete, install it again")
    return folder


def presets_folder() -> Path:
    """The folder of the presets that ship with the engine, a TOML file each."""
    return _folder("presets")


def assets_folder() -> Path:
    """The folder of the recordings and tables that ship with the engine, each with its licence."""
    return _folder("assets")
