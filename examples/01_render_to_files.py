"""Render three minutes of `settle`, steered by the shipped recording, into a folder of files.

python examples/01_render_to_files.py [FOLDER]
"""

from __future__ import annotations

import sys

from synth import render_session
from synth.resources import assets_folder


def main(folder: str = "example-session") -> None:
    summary = render_session(
        "settle",
        folder,
        wearable=assets_folder() / "recording",
        minutes=3,
        seed=1,
        progress=lambda done_s, total_s: print(f"\r{done_s:5.0f} of {total_s:.0f} s", end="", flush=True),
        overwrite=True,
    )
    print(f"\n{summary.seconds / summary.render_s:.0f} times faster than it plays; open {summary.folder}/report.html")


if __name__ == "__main__":
    main(*sys.argv[1:])
