"""The one table of limits, each with its source; profiles make it stricter, nothing makes it looser.

Sources in short: BS.1770 and EBU R 128 (programme loudness, true peak), Bernardi et al. 2009 (crescendos and blood
pressure), Blumenthal 1988 (startle and rise time), Dahl & Madison (tempo drift), Leslie et al. 2019 (breathing),
Starcke et al. 2021 with Davis, Gfeller & Thaut 2008 (gradual change of mood). "project" marks a default of ours
that agrees with them; such rows are to be tuned by evidence.
"""

# ruff: noqa: E501 (the table reads best one limit a line)
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from synth.controls import STEMS

PROFILES = ("default", "relax", "sensitive")  # from wide to narrow


@dataclass(frozen=True, slots=True)
class Limit:
    """One row: the value may be at `side` ("most" or "least") this in each profile.

    `control` names the control whose range the row narrows; rows without one bound a rate, the plan or the output.
    """

    name: str
    unit: str
    side: str
    default: float
    relax: float
    sensitive: float
    source: str
    control: str = ""

    def stricter(self, one: float, other: float) -> float:
        """The narrower of two values."""
        return min(one, other) if self.side == "most" else max(one, other)


# fmt: off
LIMITS: tuple[Limit, ...] = (
    # What a control may be.
    Limit("programme_lufs", "LUFS", "most", -23, -26, -28, "EBU R 128; lower for rest and sensitive listeners: project", "loudness_lufs"),
    Limit("attack_ms", "ms", "least", 25, 25, 80, "Blumenthal 1988: slower onsets startle less and less often", "attack_ms"),
    Limit("arousal", "", "most", 1, 0.6, 0.3, "matched start at most 0.6, sensitive 0.3: project", "arousal"),
    Limit("tension", "", "most", 1, 0.3, 0.0, "no strain is matched or built: project", "tension"),
    Limit("tonal_tension", "", "most", 1, 0.6, 0.4, "as tension", "tonal_tension"),
    Limit("roughness", "", "most", 1, 0.5, 0.25, "Proverbio et al. 2015: atonal music raises blood pressure", "roughness"),
    Limit("tempo_bpm", "bpm", "most", 140, 90, 90, "starts of calming arcs, Nilsson 2008 and project", "tempo_bpm"),
    Limit("loudness_range_lu", "LU", "most", 10, 10, 5, "EBU Tech 3342; uniform level relaxes, Bernardi et al. 2009", "dynamic_range_lu"),
    Limit("breath_rate_bpm", "1/min", "least", 6, 6, 6, "no slower while screening is unanswered; Lehrer et al. 2000", "breath_rate_bpm"),
    # How fast it may move.
    Limit("loop_tempo_per_beat", "", "most", 0.001, 0.001, 0, "Dahl & Madison: drift under 0.17 % a beat is not heard; 0 is no change"),
    Limit("hand_tempo_per_beat", "", "most", 0.003, 0.001, 0.001, "Dahl & Madison, threshold 0.17 to 0.3 % a beat"),
    Limit("tempo_leap_oct", "oct", "most", 1, 0, 0, "a person's, where no pulse sounds or by metric modulation; 0 is none: project"),
    Limit("loop_tension_per_s", "1/s", "most", 0.01, 0.01, 0, "no builds for sensitive listeners: project"),
    Limit("crescendo_lu_per_s", "LU/s", "most", 1, 1, 0.3, "Bernardi et al. 2009: vessels follow crescendos"),
    Limit("crescendo_lu", "LU", "most", 8, 8, 4, "Bernardi et al. 2009, one crescendo in all"),
    Limit("stem_rise_db_per_s", "dB/s", "most", 12, 12, 3.75, "stems enter over 4 s and longer, the loop lets them go as slowly: project"),
    Limit("brightening_oct_per_s", "oct/s", "most", 1, 0.5, 0.5, "project"),
    Limit("hand_stem_rise_db_per_s", "dB/s", "most", 600, 600, 3.75, "a fader answers its hand within 20 ms; the rise of the whole stays bounded: project"),
    Limit("hand_brightening_oct_per_s", "oct/s", "most", 100, 100, 0.5, "as hand_stem_rise_db_per_s"),
    Limit("density_oct_per_beat", "oct", "most", 0.25, 0.25, 0.0625, "twice as many notes in 4 beats, or in 16: project"),
    Limit("breath_change_per_min", "", "most", 0.03, 0.03, 0.03, "Leslie et al. 2019: approach the paced rate slowly"),
    # How steep a plan may be.
    Limit("arousal_per_min", "1/min", "most", 0.15, 0.15, 0.1, "a stage of 0.15 takes 60 s: HR needs 90 s to answer; project"),
    Limit("valence_per_min", "1/min", "most", 0.2, 0.2, 0.15, "a stage of 0.2 takes 60 s: project"),
    Limit("tension_per_min", "1/min", "most", 0.2, 0.2, 0.1, "as valence"),
    Limit("matched_arousal", "", "most", 0.6, 0.6, 0.3, "agitation is met half-way: project, after Davis, Gfeller & Thaut 2008"),
    Limit("matched_tension", "", "most", 0.3, 0.3, 0, "strain is never matched: project"),
    Limit("matched_dynamics_db", "dB", "most", 2, 2, 0, "nor is it matched by level: project"),
    # What a listener's signals may do before the music is taken back.
    Limit("hr_rise_bpm", "1/min", "most", 25, 25, 25, "over the own resting rate, for signs_s: project"),
    Limit("scr_ratio", "", "most", 3, 3, 3, "skin conductance responses against their own rate, for signs_s: project"),
    Limit("scr_least_per_min", "1/min", "most", 6, 6, 6, "and at least so many: project"),
    Limit("signs_s", "s", "most", 60, 60, 60, "as long as a sign must last: project"),
    Limit("arousal_rise", "", "most", 0.3, 0.3, 0.3, "within 90 s while no rise is planned: HR answers in 90 s; project"),
    # What leaves the engine.
    Limit("true_peak_dbtp", "dBTP", "most", -3, -3, -9, "EBU R 128 with headroom"),
    Limit("momentary_rise_lu", "LU", "most", 6, 6, 3, "sudden loudness is answered within 1 s, Schubert 2004"),
    Limit("momentary_rise_window_s", "s", "least", 1, 1, 2, "as momentary_rise_lu, 400 ms momentary loudness of BS.1770"),
    Limit("peak_to_loudness_db", "dB", "most", 12, 12, 8, "peak to short-term loudness: project"),
    Limit("above_6_khz_db", "dB", "most", -18, -18, -24, "share of energy above 6 kHz: project"),
    Limit("below_60_hz_db", "dB", "most", -6, -6, -6, "against 60 to 250 Hz: small loudspeakers, mud"),
    Limit("start_fade_s", "s", "least", 3, 3, 8, "project"),
    Limit("stop_fade_s", "s", "least", 1.5, 1.5, 3, "project"),
    Limit("silence_floor_lu", "LU", "most", -40, -40, -40, "sound after silence starts this far under the programme: project"),
)
# fmt: on

TABLE: Mapping[str, Limit] = MappingProxyType({limit.name: limit for limit in LIMITS})

# Up (1) or down (-1) makes the music more intense; a control that is not here does neither.
INTENSITY: Mapping[str, int] = MappingProxyType(
    {
        "arousal": 1, "tension": 1, "tempo_bpm": 1, "tonal_tension": 1, "roughness": 1, "percussiveness": 1,
        "density_hz": 1, "dynamics_db": 1, "dynamic_range_lu": 1, "brightness_oct": 1, "register_note": 1,
        "articulation": -1, "attack_ms": -1, "motion": 1, "breath_depth_db": 1, "loudness_lufs": 1,
        "rest": -1,
        **{f"level_{stem}_db": 1 for stem in STEMS},
    }
)  # fmt: skip

LEAST_CONFIDENCE = 0.3  # of a state, under which it counts as unknown
STALE_S = 10.0  # age of a state from which on it counts as unknown
REST_MOTION_G = 0.1  # movement under this is rest; movement that nobody measures counts as rest
PANIC_FADE_S = 0.25  # the one fade that is short on purpose
BREATH_RATE_SCREENED_BPM = 4.5  # a person who answered the screening may go down to here, by hand


def limits(profile: str = "default", **stricter: float) -> dict[str, float]:
    """Every limit's value by name in `profile`; keywords tighten single rows and never loosen one.

    ValueError on an unknown profile or row.
    """
    if profile not in PROFILES:
        raise ValueError(f"no profile called {profile!r}: one of {', '.join(PROFILES)}")
    values: dict[str, float] = {row.name: getattr(row, profile) for row in LIMITS}
    for name, value in stricter.items():
        if name not in TABLE:
            raise ValueError(f"no limit called {name!r}: one of {', '.join(TABLE)}")
        values[name] = TABLE[name].stricter(values[name], value)
    return values


def control_range(control: str, low: float, high: float, bounds: Mapping[str, float]) -> tuple[float, float]:
    """The range `low` to `high` of `control` as the limits in `bounds` narrow it."""
    for row in LIMITS:
        if row.control == control:
            low, high = (
                (max(low, bounds[row.name]), high) if row.side == "least" else (low, min(high, bounds[row.name]))
            )
    return low, high
