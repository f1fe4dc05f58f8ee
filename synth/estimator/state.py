"""The listener's state as believed at one moment, with how sure and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Measures that are told beside arousal and have no vote in it, None where one cannot be told.

    RMSSD is of the last minute; SDNN, pNN50 (%) and LF/HF of the last five; `coherence` 0..1 of 64 s; `resp_agreement`
    0..1 tells how far the sources of `resp_bpm` bear each other out; `still_s` seconds without movement; EEG bands are
    log10 uV2 and `eeg_contact` 0..1. Slow, even breathing does hold back what the heart may tell.
    """

    rmssd_ms: float | None = None
    sdnn_ms: float | None = None
    pnn50: float | None = None
    lf_hf: float | None = None
    coherence: float | None = None
    resp_bpm: float | None = None
    resp_agreement: float | None = None
    temp_c: float | None = None
    temp_c_per_min: float | None = None
    still_s: float | None = None
    eeg_delta: float | None = None
    eeg_theta: float | None = None
    eeg_alpha: float | None = None
    eeg_beta: float | None = None
    eeg_gamma: float | None = None
    eeg_contact: float | None = None


@dataclass(frozen=True, slots=True)
class State(Measures):
    """One estimate. `arousal` -1..1 about the person's own baseline, `confidence` 0..1, `p_elevated` a probability.

    `valence` -1..1 is what the person told, never guessed from the body. `fits` is False when the person's body has
    hardly answered so far, so that the estimate may mean little. A measure that cannot be told is None.
    `heart_trouble` and `skin_trouble` say why a source is set aside: "missing", "frozen", "off", "disturbed" or "" when
    it is not. `reasons` are short sentences in plain words.
    """

    t_s: float
    arousal: float = 0.0
    confidence: float = 0.0
    p_elevated: float = 0.5
    fits: bool | None = None
    valence: float | None = None
    hr_bpm: float | None = None
    scr_per_min: float | None = None
    scl_us: float | None = None
    motion: float | None = None
    hr_baseline_bpm: float | None = None
    scr_baseline_per_min: float | None = None
    heart_trouble: str = ""
    skin_trouble: str = ""
    reasons: tuple[str, ...] = ()
