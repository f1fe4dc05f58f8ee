"""Where compiled kernels are kept: the user's cache, or a folder nobody else can write to, and it is said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def cache(tmp_path: Path, chosen: str) -> tuple[Path, str]:
    code = "from synth.dsp._jit import CACHE, CACHE_REPAIRS; print(CACHE); print(*CACHE_REPAIRS)"
    environment = {**os.environ, "ISOTONE_CACHE_DIR": chosen, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    folder, repairs = done.stdout.splitlines()
    return Path(folder), repairs


def test_the_chosen_folder_is_used(tmp_path):
    folder, repairs = cache(tmp_path, str(tmp_path / "mine"))
    assert folder.parent == tmp_path / "mine" and folder.is_dir() and repairs == ""


def test_one_that_cannot_be_written_is_replaced_and_said(tmp_path):
    folder, repairs = cache(tmp_path, "/proc/nowhere")
    own = tmp_path / f"isotone-{os.getuid()}"
    assert folder.parent == own and own.stat().st_mode & 0o777 == 0o700
    assert "/proc/nowhere cannot be written to" in repairs and str(own) in repairs
    assert cache(tmp_path, "/proc/nowhere")[0] == folder


@pytest.mark.parametrize("trap", ["open", "link"])
def test_a_folder_that_others_may_have_filled_is_not_used(tmp_path, trap):
    own, other = tmp_path / f"isotone-{os.getuid()}", tmp_path / "other"
    if trap == "open":
        own.mkdir()
        own.chmod(0o777)
    else:
        other.mkdir()
        own.symlink_to(other)
    folder, _ = cache(tmp_path, "/proc/nowhere")
    assert folder.parent != own and folder.parent.stat().st_mode & 0o777 == 0o700
