"""The daemon as a service of its own, and a program that has a session of it: three seconds heard, steered, stopped.

python examples/13_serve_and_listen.py
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from synth.client import Client

SECONDS = 3.0


@contextmanager
def daemon(folder: str) -> Iterator[str]:
    """`synth serve` on a free port, for this machine alone; its address, once it is ready."""
    command = [sys.executable, "-m", "synth", "serve", "--port", "0", "--workers", "1", "--state", folder]
    environment = {**os.environ, "ISOTONE_LOG__FORMAT": "json"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, text=True) as process:
        try:
            assert process.stderr is not None
            url = ""
            for line in process.stderr:
                told = json.loads(line)
                url = told.get("url", url)
                if told["event"] == "ready":
                    break
            else:
                raise SystemExit("the daemon did not start")
            yield url
        finally:
            process.terminate()  # sessions fade out
            process.communicate()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, daemon(f"{folder}/state") as url, Client(url) as client:
        session = client.sessions.create(preset="settle", seed=7, minutes=5)
        print(f"{session.id} plays {session.view().title} at {url}")

        taken = session.request("brightness_oct", -0.5)
        print(f"{taken.name} goes to {taken.text} {taken.unit}")

        heard: list[np.ndarray] = []
        for _frame, samples in session.audio():  # a block of 40 ms, a block before it is to be played
            heard.append(samples)
            if len(heard) * len(samples) >= SECONDS * 48_000:
                break
        audio = np.concatenate(heard)
        level_dbfs = 10 * np.log10(np.mean(audio**2))
        print(f"{len(audio) / 48_000:.1f} s heard, {level_dbfs:.0f} dBFS, in the phase {session.state().phase!r}")

        session.stop()
        for event in session.events("status"):  # to the session's end
            print(f"the session is {event.data['status']}")


if __name__ == "__main__":
    main()
