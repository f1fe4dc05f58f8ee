"""Terms agreed before a session, a plan changed while it runs, and what the safety questions close.

python examples/07_terms_and_plan.py
"""

from __future__ import annotations

from synth import ConstraintError, ScreeningError, Session

SECOND = 48_000


def main() -> None:
    session = Session(
        "settle",
        seed=3,
        minutes=12,
        self_report={"arousal": 0.4, "valence": -0.1},  # how the person feels now: the session starts there
        constraints=["no percussion", "nothing above 70 bpm"],
        screening={"startles": False, "driving": False, "age": 41},
        audio=False,  # the plan and its score alone; leave it out to hear it
    )
    print("agreed:", *session.terms.notes, *session.terms.gates.words, sep="\n  ")
    print(f"starts at arousal {session.controls['arousal']:+.2f}, tempo {session.controls['tempo_bpm']:.0f} bpm")

    session.render(120 * SECOND)
    session.edit(
        [
            {"kind": "baseline", "minutes": 1.5},
            {"kind": "lead", "minutes": 7, "arousal": -0.3, "tension": -0.4, "step": 0.15, "dwell_s": 45},
            {
                "kind": "plateau",
                "minutes": 3.5,
                "cues": [{"kind": "silence", "at_minutes": 1, "seconds": 15}],
            },
        ]
    )
    for minute in range(3, 13):
        session.render(60 * SECOND)
        arousal, tempo = session.controls["arousal"], session.controls["tempo_bpm"]
        print(f"minute {minute}: {session.phase:8} arousal {arousal:+.2f}, tempo {tempo:.1f} bpm")

    for refused in (
        lambda: Session("settle", screening={"driving": True}),
        lambda: Session("settle", constraints=["no penguins"]),
    ):
        try:
            refused()
        except (ScreeningError, ConstraintError) as error:
            print(f"refused: {error}"[:160])


if __name__ == "__main__":
    main()
