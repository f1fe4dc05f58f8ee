"""The terms of a session, agreed before its first sound: who listens, what they chose, and what is not to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypedDict

from synth.mix.delivery import PROFILES
from synth.preset import POLICIES, Preset, allowed, bounds_of, haptic_closed
from synth.safety.bounds import Bounds
from synth.safety.dose import Calibration, Dose
from synth.safety.ledger import Heard
from synth.safety.screening import Gates, allow
from synth.safety.screening import gates as screened
from synth.session.asking import TermsError
from synth.steering.meeting import meet, starting_controls
from synth.steering.plan import Target

IN_SCALE = "in_scale"
PLAYED = ("as_played", IN_SCALE)  # how a hand's note sounds: as it is, or as the nearest tone of the scale that sounds


class Asked(TypedDict, total=False):
    """What may be asked for, all of it optional.

    `policy`: one of `synth.preset.POLICIES`. `palette`: one of the preset's own. `constraints`: sentences as in
    `synth.safety.constraints`. `screening`: answers to the safety questions (`synth.safety.screening`). `self_report`:
    how the person feels now, {"arousal": -1..1, "valence": -1..1}. `supervised`: someone is with the person. `gates`:
    what a record keeps of a screening, in place of its answers. `calibration`: how loud -20 LUFS is at the ear
    (`synth.safety.dose`); `week`: what the person heard before, or the file of a ledger, up to `today`. `delivery`:
    what it is played on, one of `synth.mix.delivery.PROFILES`. `haptic`: a signal to be felt is made beside the mix.
    `played`: one of PLAYED.
    """

    policy: str | None
    palette: str | None
    constraints: Sequence[str]
    screening: Mapping[str, Any] | None
    self_report: Mapping[str, float] | None
    supervised: bool
    gates: Mapping[str, Any] | None
    calibration: Calibration | Mapping[str, Any] | float | str | Path | None
    week: Sequence[Heard] | str | Path
    today: date | None
    delivery: str | None
    haptic: bool
    played: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed: the preset as it will be played, its bounds and gates, the policy and the start."""

    preset: Preset
    bounds: Bounds
    gates: Gates
    policy: str
    supervised: bool
    self_report: Mapping[str, float]
    start: Target | None
    dose: Dose
    controls: Mapping[str, float]
    notes: tuple[str, ...]
    delivery: str | None = None
    haptic: bool = False
    played: str = PLAYED[0]

    def as_dict(self) -> dict[str, Any]:
        """For the head of a record."""
        return {
            "policy": self.policy,
            "constraints": list(self.bounds.constraints),
            "profile": self.bounds.profile,
            "gates": asdict(self.gates) | {"words": [w for w in self.gates.words if "not answered" in w]},
            "supervised": self.supervised,
            "self_report": dict(self.self_report),
            "calibration": None if self.dose.calibration is None else asdict(self.dose.calibration),
            "heard_hours_at_80_dba": self.dose.heard_hours,
            "delivery": self.delivery,
            "haptic": self.haptic,
            "played": self.played,
        }


def agree(
    preset: Preset,
    minutes: float,
    *,
    wearable: bool = False,
    policy: str | None = None,
    palette: str | None = None,
    constraints: Sequence[str] = (),
    screening: Mapping[str, Any] | None = None,
    self_report: Mapping[str, float] | None = None,
    supervised: bool = False,
    gates: Mapping[str, Any] | None = None,
    calibration: Calibration | Mapping[str, Any] | float | str | Path | None = None,
    week: Sequence[Heard] | str | Path = (),
    today: date | None = None,
    delivery: str | None = None,
    haptic: bool = False,
    played: str = PLAYED[0],
) -> Terms:
    """The terms of a session of `preset` over `minutes`; `wearable`: signals of the body are to steer it.

    Raises TermsError, PresetError, ConstraintError, ScreeningError or MeetingError, each with what to change.
    """
    policy = policy or preset.policy
    if policy not in POLICIES:
        raise TermsError(f"policy = {policy!r}: one of {', '.join(POLICIES)}")
    if preset.supervision and not supervised:
        raise TermsError(
            f"{preset.name} is for sessions in which someone is with the person: say so (supervised=True, --supervised)"
        )
    if wearable and preset.wearable == "refused":
        raise TermsError(f"{preset.name} listens to what the person says, not to their body: leave the wearable out")
    if delivery and delivery not in PROFILES:
        raise TermsError(f"delivery = {delivery!r}: one of {', '.join(PROFILES)}")
    if played not in PLAYED:
        raise TermsError(f"played = {played!r}: one of {', '.join(PLAYED)}")
    gate = screened(screening) if gates is None else Gates.kept(gates)
    allow(gate, preset.goal, minutes, supervised)
    chosen = preset.with_palette(palette) if palette else preset
    constraints = (constraints,) if isinstance(constraints, str) else constraints
    shakes = haptic or (delivery and PROFILES[delivery].shakes)
    if shakes and (why := haptic_closed(preset, gate, constraints)):
        raise TermsError(f"{'haptic' if haptic else f'delivery = {delivery!r}'} is felt, which is closed by {why}")
    constraints = (*constraints, *(PROFILES[delivery].constraints if delivery else ()))
    bounds = bounds_of(chosen, gate, constraints)
    chosen = allowed(chosen, gate, constraints)
    if gate.landmark_every_s is not None and bounds.range("landmark")[1] < 1.0:
        raise TermsError(f"{bounds.why('landmark')!r}: with the answers given a landmark sounds every few minutes")
    notes = [f"{name} stays out of the way: {bounds.why(f'level_{name}_db')}" for name in _silent(chosen, bounds)]
    report = _report(self_report)
    start = None
    if report and policy != "L0":
        start = meet(chosen, bounds, report.get("arousal", chosen.controls["arousal"]), report.get("valence"))
        notes.append("starts where the person says they are" if start else "starts as planned: nobody is matched here")
    controls = chosen.controls if start is None else starting_controls(chosen, bounds, start)
    dose = Dose(Calibration.of(calibration), week, today, gate.weekly_dba)
    return Terms(
        chosen, bounds, gate, policy, supervised, report, start, dose, controls, tuple(notes), delivery, haptic, played
    )


def _report(given: Mapping[str, float] | None) -> dict[str, float]:
    report = dict(given or {})
    if unknown := report.keys() - {"arousal", "valence"}:
        raise TermsError(f"self_report holds {', '.join(sorted(unknown))}: give arousal, valence or both, -1 to 1")
    if wrong := [
        name for name, value in report.items() if isinstance(value, bool) or not isinstance(value, int | float)
    ]:
        raise TermsError(f"self_report {wrong[0]} = {report[wrong[0]]!r}: give a number from -1 to 1")
    return report


def _silent(preset: Preset, bounds: Bounds) -> list[str]:
    """Stems of the preset that its bounds keep silent."""
    return [s for s in preset.stems if s != "reverb" and bounds.range(f"level_{s}_db")[1] <= -60.0]
