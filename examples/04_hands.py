"""A person takes a control and gives it back; verbs steer the plan.

python examples/04_hands.py
"""

from __future__ import annotations

from synth import Session

SECOND = 48_000


def main() -> None:
    session = Session("settle", seed=2, minutes=3)
    session.render(20 * SECOND)
    print(f"the plan's brightness: {session.controls['brightness_oct']:+.2f} octaves")

    session.request("brightness_oct", -1.5, reason="softer, please")
    session.render(4 * SECOND)
    print(f"taken by hand:         {session.controls['brightness_oct']:+.2f}")

    session.release("brightness_oct")
    session.render(20 * SECOND)
    print(f"given back:            {session.controls['brightness_oct']:+.2f}")

    session.verb("less")
    session.render(20 * SECOND)
    print(f"after 'less':          arousal {session.controls['arousal']:+.2f}")

    session.stop()
    while not session.finished:
        session.render(SECOND)
    print(f"stopped at {session.time_s:.1f} s")


if __name__ == "__main__":
    main()
