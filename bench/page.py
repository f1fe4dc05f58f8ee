"""How soon does the listening page sound, and how soon is a hand heard in it?

python bench/page.py [URL] [--trials N] [--seconds S] [--preset P] [--json]

A real Chromium opens the page of a daemon (one is started where no URL is given) and presses start. first audio: from
the press until the worklet gave out sound over -60 dBFS; the first block may come sooner, as music fades in. control to
sound: a control is asked for in the page; from there until the worklet played the frame at which the session took it,
and with the browser's own delay to the sound card. The page then plays for S seconds: underruns, and how much lies in
its buffer. Nothing else may run on the machine; figures move with it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.daemon.audio.chromium import READY, Browser, Page, chromium  # noqa: E402
from tests.daemon.running import running  # noqa: E402

RATE = 48_000
HANDS = 12  # controls asked for in a trial
CONTROL = """
(async () => {
  const began = performance.now(), id = isotone.hello.session_id;
  const response = await fetch(`/api/v1/sessions/${id}/controls/level_pad_db`, {method: "PUT", body: `{"value": %s}`,
    headers: {"Content-Type": "application/json", "X-Requested-With": "isotone"}});
  const answer = await response.json(), answered = performance.now();
  const frame = Math.round(answer.t_s * 48000);
  while (isotone.report.frame < frame) await new Promise(done => setTimeout(done, 2));
  const sounded = isotone.reportedMs - (isotone.report.frame - frame) / 48;
  return {answered_ms: answered - began, sound_ms: sounded - began,
          ear_ms: sounded - began + 1000 * isotone.player.outputLatencyS};
})()
"""


@contextlib.contextmanager
def daemon_at(url: str | None, folder: Path) -> Iterator[str]:
    """The address of a daemon that is ready."""
    if url is not None:
        yield url.rstrip("/")
        return
    with running(folder) as daemon:
        yield daemon.ready().url


def trial(browser: Browser, url: str, preset: str, seconds: float) -> dict[str, Any]:
    """One start, and what came of it."""
    with browser.page(url + "/") as page:
        page.wait(READY)
        page.run(f"document.getElementById('preset').value = {preset!r}")
        page.press("start")
        page.wait("isotone.firstAudioMs !== null")
        told = {"first_block_ms": page.run("isotone.firstBlockMs"), "first_audio_ms": page.run("isotone.firstAudioMs")}
        time.sleep(3.0)  # as the page's buffer settles
        hands = [page.run(CONTROL % (-3.0 if number % 2 else 0.0)) for number in range(HANDS)]
        lying_ms = _lying(page, seconds)
        told |= {"hands": hands, "lying_ms": lying_ms, "underruns": page.run("isotone.report.underruns")}
        told["output_ms"] = 1000.0 * page.run("isotone.player.outputLatencyS")
        page.press("panic")
        page.wait("isotone.state == 'idle'")
        time.sleep(0.5)
        return told


def _lying(page: Page, seconds: float) -> list[float]:
    """What lay in the buffer, looked at now and then."""
    until_s = time.monotonic() + seconds
    found = []
    while time.monotonic() < until_s:
        found.append(1000.0 * page.run("isotone.report.lyingS"))
        time.sleep(0.05)
    return found


def summary(trials: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians and worst."""
    hands = [hand for one in trials for hand in one["hands"]]
    lying = [ms for one in trials for ms in one["lying_ms"]]
    figures: dict[str, Any] = {
        name: _spread([one[name] for one in trials]) for name in ("first_block_ms", "first_audio_ms")
    }
    figures |= {name: _spread([hand[name] for hand in hands]) for name in ("answered_ms", "sound_ms", "ear_ms")}
    figures["buffer_ms"] = _spread(lying)
    figures["underruns"] = sum(one["underruns"] for one in trials)
    figures["output_ms"] = trials[0]["output_ms"]
    return figures


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(values), 1), "worst": round(max(values), 1), "count": len(values)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", nargs="?", help="a daemon that runs, without sign-in")
    parser.add_argument("--trials", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0, help="to play in each")
    parser.add_argument("--preset", default="settle")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, chromium(Path(folder)) as browser:
        with daemon_at(given.url, Path(folder)) as url:
            trials = [trial(browser, url, given.preset, given.seconds) for _ in range(given.trials)]
    figures = summary(trials)
    if given.json:
        print(json.dumps(figures, indent=2))
        return
    for name, words in {
        "first_block_ms": "press to first block",
        "first_audio_ms": "press to first audio",
        "answered_ms": "hand to answer",
        "sound_ms": "hand to worklet's output",
        "ear_ms": "hand to ear (with the browser's output delay)",
        "buffer_ms": "in the page's buffer",
    }.items():
        print(f"{words:48} median {figures[name]['median']:7.1f} ms, worst {figures[name]['worst']:7.1f} ms")
    print(f"underruns {figures['underruns']} in {given.trials} x {given.seconds:g} s and more")


if __name__ == "__main__":
    main()
