"""Measures that are shown and steer the breath but have no vote in arousal: heart variability, breathing, EEG and more.

The dear ones are brought up to date in turn, one a second, so that no second costs much more than another.
"""

from __future__ import annotations

import math
from dataclasses import replace

from synth.estimator.coherence import WINDOW_S as COHERENCE_S
from synth.estimator.coherence import window_coherence
from synth.estimator.eeg import Eeg
from synth.estimator.hrv import window_bands, window_pnn50, window_rmssd_ms, window_sdnn_ms
from synth.estimator.inbox import Inbox
from synth.estimator.ppg import Ppg
from synth.estimator.respiration import TRUST, Belt, PulseBreath, ToldRate, combined, from_beats
from synth.estimator.rr import Beats, Window
from synth.estimator.spectrum import Floats
from synth.estimator.state import Measures
from synth.estimator.stillness import Stillness
from synth.estimator.temperature import Temperature
from synth.wearables.samples import EEG_BANDS, EEG_SITES

MINUTE_S = 60.0
SHORT_TERM_S = 300.0  # Task Force 1996: short-term recordings
TURNS = 4
BEATS_SILENT_S = 30.0  # after which the pulse wave's beats stand in
CORRECTED_LIMIT = 0.05
CORRECTED_BEATS = 20
SLOW_BPM = 8.0  # breathing as slow as this is done on purpose, and moves the heart more than strain does
SLOW_COHERENCE = 0.55  # then the heart swings in one even wave; sighs and blood pressure make less
SLOW_HOLDS_S = 60.0  # a rate is not found in every minute
SLOW_FADES_S = 60.0
EEG = (*(f"eeg_{site}" for site in EEG_SITES), *(f"eeg_{band}" for band in EEG_BANDS), "eeg_contact")


class Vitals:
    """The measures.

    `slow_breath` 0..1 tells how far breathing is, or just was, slow on purpose; `corrected` whether more than one told
    beat in twenty of the last minute had to be left out.
    """

    def __init__(self) -> None:
        self.beats = Beats(SHORT_TERM_S)
        self.measures = Measures()
        self.slow_breath = 0.0
        self.corrected = False
        self._wave = Ppg()
        self._wave_beats = Beats(SHORT_TERM_S)
        self._pulse_breath = PulseBreath()
        self._belt = Belt()
        self._told_breath = ToldRate()
        self._temperature = Temperature()
        self._stillness = Stillness()
        self._eeg = Eeg()
        self._beat_heard_s = -math.inf
        self._ticked_s = -math.inf
        self._slow_s = -math.inf
        self._turn = 0

    def beat(self, t_s: float, rr_ms: float, quality: float) -> bool:
        """The next beat interval; whether it is believed."""
        self._beat_heard_s = t_s
        self.beats.add(t_s, rr_ms, quality)
        return self.beats.last_s == t_s

    def wave(self, t_s: Floats, x: Floats, quality: Floats) -> None:
        """The next samples of the pulse wave; its beats are looked for while no better ones are told."""
        if not t_s.size or t_s[-1] - self._beat_heard_s <= BEATS_SILENT_S:
            return
        self._wave.add(t_s, x, quality)
        pulses = self._wave.take()
        self._pulse_breath.add(pulses)
        for beat_s, rr_ms, good in zip(
            pulses.t_s.tolist(), pulses.rr_ms.tolist(), pulses.quality.tolist(), strict=True
        ):
            self._wave_beats.add(beat_s, rr_ms, good)

    def moved(self, t_s: Floats, length_g: Floats, quality: Floats) -> None:
        """The next samples of acceleration."""
        self._stillness.add(t_s, length_g, quality)

    def take(self, inbox: dict[str, Inbox], now_s: float) -> None:
        """Take every sample up to `now_s` of the channels that nothing else reads."""
        for channel, measure in (
            ("resp", self._belt),
            ("resp_bpm", self._told_breath),
            ("temp", self._temperature),
        ):
            t, value, quality = inbox[channel].take(now_s)
            if t.size:
                measure.add(t, value, quality)
        for channel in EEG:
            t, value, quality = inbox[channel].take(now_s)
            if t.size:
                self._eeg.add(channel, t, value, quality)

    def _window(self, now_s: float, length_s: float) -> Window:
        """The beats of the last `length_s` seconds, told or, without any, read from the pulse wave."""
        return (self.beats if self._told(now_s) else self._wave_beats).window(now_s, length_s)

    def _told(self, now_s: float) -> bool:
        return now_s - self._beat_heard_s <= BEATS_SILENT_S

    def tick(self, now_s: float) -> None:
        """Bring the measures up to date, once a second."""
        if now_s < self._ticked_s + 1.0:
            return
        self._ticked_s = now_s
        self._turn = (self._turn + 1) % TURNS
        brain = self._eeg.tick(now_s)
        minute = self._window(now_s, MINUTE_S)
        many = minute.kept.size >= CORRECTED_BEATS and minute.corrected > CORRECTED_LIMIT
        self.corrected = bool(many and self._told(now_s))
        measures = replace(
            self.measures,
            rmssd_ms=window_rmssd_ms(minute),
            temp_c=self._temperature.degrees_c(now_s),
            still_s=self._stillness.still_s(now_s),
            **{f"eeg_{band}": getattr(brain, band, None) for band in (*EEG_BANDS, "contact")},
        )
        if self._turn == 0:
            measures = self._breathe(measures, minute, now_s)
        elif self._turn == 1:
            coherent = window_coherence(self._window(now_s, COHERENCE_S))
            measures = replace(measures, coherence=None if coherent is None else coherent.share)
        elif self._turn == 2:
            window = self._window(now_s, SHORT_TERM_S)
            measures = replace(measures, sdnn_ms=window_sdnn_ms(window), pnn50=window_pnn50(window))
        else:
            bands = window_bands(self._window(now_s, SHORT_TERM_S))
            slope = self._temperature.slope_c_per_min(now_s)
            measures = replace(measures, lf_hf=None if bands is None else bands.lf_hf, temp_c_per_min=slope)
        self.measures = measures
        if _breathes_slowly(measures):
            self._slow_s = now_s
        self.slow_breath = math.exp(-max(now_s - self._slow_s - SLOW_HOLDS_S, 0.0) / SLOW_FADES_S)

    def _breathe(self, measures: Measures, minute: Window, now_s: float) -> Measures:
        breathing = combined(
            self._belt.rate(now_s),
            self._told_breath.rate(now_s),
            self._pulse_breath.rate(now_s),
            from_beats(minute) if self._told(now_s) else None,  # a wrist's wave sways with the hand
        )
        if breathing is None:
            return replace(measures, resp_bpm=None, resp_agreement=None)
        return replace(measures, resp_bpm=breathing.bpm, resp_agreement=breathing.agreement)


def _breathes_slowly(measures: Measures) -> bool:
    """Whether breathing is slow on purpose; what only the beats tell must also be one even wave."""
    if measures.resp_bpm is None or measures.resp_bpm > SLOW_BPM:
        return False
    told_otherwise = (measures.resp_agreement or 0.0) > TRUST["beats"]
    return told_otherwise or (measures.coherence or 0.0) >= SLOW_COHERENCE
