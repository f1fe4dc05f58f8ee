"""Feed samples as they come, and read what is believed, planned and why.

The heart rate here is made up: it rises for a while in the second minute.

python examples/03_feed_and_read.py
"""

from __future__ import annotations

import math

from synth import Session

BLOCK = 4800


def made_up_heart_rate(t_s: float) -> float:
    """Resting heart rate with a bump."""
    return 68.0 + 2.0 * math.sin(t_s / 7.0) + 14.0 * math.exp(-(((t_s - 130.0) / 25.0) ** 2))


def main(minutes: float = 4.0) -> None:
    session = Session("settle", seed=5, minutes=minutes)
    next_sample_s, next_print_s = 0.0, 0.0
    while not session.finished:
        while session.time_s >= next_sample_s:
            session.feed("hr", made_up_heart_rate(next_sample_s), next_sample_s)
            next_sample_s += 1.0
        session.render(BLOCK)
        if session.time_s >= next_print_s:
            state, controls = session.state, session.controls
            print(
                f"{session.time_s:5.0f} s  {session.phase:<9} arousal {state.arousal:+.2f} "
                f"(confidence {state.confidence:.2f})  tempo {controls['tempo_bpm']:.1f}  {'; '.join(session.reasons)}"
            )
            next_print_s += 20.0


if __name__ == "__main__":
    main()
