"""Play a session through pyo's sound server: its callback fills a table that a table reader plays.

Without a sound card pyo renders offline into a file, as here; with one, leave `audio="offline"` out.
Needs the extra `pyo` (pip install "isotone[pyo]").

python examples/05_pyo_player.py [FILE]
"""

from __future__ import annotations

import os
import sys

from synth import Session

os.environ.setdefault("PYO_GUI_WX", "0")
FRAMES = 256


def main(path: str = "example-pyo.wav", seconds: float = 10.0) -> None:
    import pyo

    session = Session("sleep", seed=4, minutes=5)
    server = pyo.Server(sr=session.sample_rate, nchnls=2, buffersize=FRAMES, duplex=0, audio="offline")
    server.boot()
    table = pyo.DataTable(size=FRAMES, chnls=2)

    def fill() -> None:  # not by table.getBuffer(): with pyo 1.0.5 Python then crashes as it ends
        table.replace(session.render(FRAMES).T.tolist())

    reader = pyo.TableRead(table, freq=table.getRate(), loop=True, interp=1).out()
    server.setCallback(fill)
    server.recordOptions(dur=seconds, filename=path, fileformat=0, sampletype=3)
    server.start()
    server.shutdown()
    print(f"{session.time_s:.1f} s of {session.preset.title} played by {type(reader).__name__} into {path}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
