"""The estimator: samples in as they come, one `State` out each second, from nothing but the past."""

from __future__ import annotations

import math

import numpy as np

from synth.estimator import arousal as model
from synth.estimator.arousal import Confidence, Features, Say, Score
from synth.estimator.eda import Eda
from synth.estimator.heart import Heart
from synth.estimator.hrv import mean_hr_bpm, window_rmssd_ms
from synth.estimator.inbox import Inbox
from synth.estimator.motion import Motion
from synth.estimator.reasons import Facts, explain
from synth.estimator.respiration import Belt, from_beats
from synth.estimator.rr import Beats, Window
from synth.estimator.state import State
from synth.wearables.samples import Samples

REORDER_S = 2.0  # samples may come this late out of order
WINDOW_S = 60.0
HEART_FROM_BEATS_S = 10.0  # without a heart-rate channel, the rate is that of the last beats
BEAT_GAP_S = 3.0
CORRECTED_LIMIT = 0.05
CORRECTED_BEATS = 20
CORRECTED_TRUST = 0.8
SWAP_DOUBT_S = 75.0
RESPIRATION_EVERY_S = 5.0
READ = ("hr", "rr_ms", "eda", "acc", "resp", "self_arousal")


class Estimator:
    """Arousal and its measures from timed samples.

    `feed` takes samples of any channel in any order and batch size; `tick` says what is believed at a time of the
    session and is called once a second with rising times. A tick uses samples up to two seconds before it, put in
    order, each counted once, so that batching and small delays change nothing. `dropped` tells how many samples
    of each channel came too late or twice.
    """

    def __init__(self) -> None:
        self._inbox = {channel: Inbox() for channel in READ}
        self._heart = Heart()
        self._eda = Eda()
        self._motion = Motion()
        self._beats = Beats()
        self._belt = Belt()
        self._heart_say = Say()
        self._skin_say = Say()
        self._score = Score()
        self._confidence = Confidence()
        self._told: tuple[float, float] | None = None
        self._hr_heard_s = -math.inf
        self._heart_trouble = self._skin_trouble = "missing"
        self._resp_bpm: float | None = None
        self._resp_due_s = -math.inf
        self._latest: State | None = None

    def feed(self, samples: Samples) -> None:
        """Take in samples; channels it makes nothing of are passed over."""
        inbox = self._inbox.get(samples.channel)
        if inbox is not None and len(samples):
            inbox.put(samples, self._latest.t_s if self._latest else 0.0)

    @property
    def dropped(self) -> dict[str, int]:
        """Samples of each channel that came too late or twice and were not used."""
        return {channel: inbox.late + inbox.duplicates for channel, inbox in self._inbox.items()}

    @property
    def repairs(self) -> tuple[str, ...]:
        """What had to be mended or set aside up to now, in words."""
        told = []
        for channel, inbox in self._inbox.items():
            for count, what in (
                (inbox.late, "samples came too late; not used"),
                (inbox.duplicates, "samples came twice; counted once"),
                (inbox.restarts, "leaps of the sensor's clock; time goes on from there"),
            ):
                if count:
                    told.append(f"{channel}: {count} {what}")
        for channel, rejected in (("hr", self._heart.rejected), ("eda", self._eda.rejected)):
            if rejected:
                told.append(f"{channel}: {rejected} samples set aside as not from a body")
        return tuple(told)

    @property
    def features(self) -> Features:
        """What the model sees now; None where the baseline is not known yet."""
        heart = self._heart.feature * (1.0 - self._motion.metabolic) if self._heart.anchor.ready else None
        if not self._eda.level_anchor.ready:
            return Features(heart=heart)
        return Features(self._eda.trend.feature, self._eda.level_feature, heart)

    def tick(self, t_s: float) -> State:
        """What is believed at session time `t_s`, seconds; a time not later than the tick before changes nothing."""
        if self._latest is not None and t_s <= self._latest.t_s:
            return self._latest
        dt_s = 1.0 if self._latest is None else t_s - self._latest.t_s
        now_s = t_s - REORDER_S
        self._measure(now_s)
        beats = self._beats.window(now_s, WINDOW_S)
        if now_s >= self._resp_due_s:
            self._resp_due_s = now_s + RESPIRATION_EVERY_S
            self._resp_bpm = self._belt.rate(now_s) or from_beats(beats)
        self._weigh(beats, now_s, dt_s)
        self._latest = self._state(t_s, beats, now_s)
        return self._latest

    @property
    def _heart_stale_s(self) -> float:
        """Age from which heart rate is stale: of its own channel, or of the beats that stand in for it."""
        beats_lead = self._beats.last_s > self._hr_heard_s + HEART_FROM_BEATS_S
        return self._inbox["rr_ms" if beats_lead else "hr"].stale_s

    def _measure(self, now_s: float) -> None:
        """Hand every sample up to `now_s` to its measure."""
        for channel, measure in (
            ("hr", self._heart),
            ("rr_ms", self._beats),
            ("eda", self._eda),
            ("acc", self._motion),
        ):
            t, value, quality = self._inbox[channel].take(now_s)
            for moment, x, q in zip(t.tolist(), value.tolist(), quality.tolist(), strict=True):
                measure.add(moment, x, q)
            if channel == "hr" and t.size:
                self._hr_heard_s = float(t[-1])
        if now_s - self._hr_heard_s > HEART_FROM_BEATS_S and now_s - self._beats.last_s < BEAT_GAP_S:
            last = self._beats.window(now_s, HEART_FROM_BEATS_S)
            bpm = mean_hr_bpm(last.rr_ms[last.kept])
            if bpm is not None:
                self._heart.add(now_s, bpm)
        t, value, _ = self._inbox["resp"].take(now_s)
        if t.size:
            self._belt.add(t, value)
        t, value, quality = self._inbox["self_arousal"].take(now_s)
        told = np.flatnonzero(np.isfinite(value) & (quality >= 0.5))
        if told.size:
            self._told = (float(t[told[-1]]), min(max(float(value[told[-1]]), -1.0), 1.0))

    def _weigh(self, beats: Window, now_s: float, dt_s: float) -> None:
        """Bring score and confidence up to date."""
        heart, skin = self._heart, self._eda
        self._heart_trouble = heart.trouble(now_s, self._heart_stale_s)
        self._skin_trouble = skin.trouble(now_s, self._inbox["eda"].stale_s)
        self._heart_say.move(float(heart.anchor.ready and not self._heart_trouble), dt_s)
        self._skin_say.move(float(skin.level_anchor.ready and not self._skin_trouble), dt_s)
        heart_say, skin_say = self._heart_say.value, self._skin_say.value
        told, told_score = 0.0, 0.0
        if self._told is not None:
            told = math.exp(-max(now_s - self._told[0], 0.0) / model.SELF_TAU_S)
            told_score = model.score_of(self._told[1])
        if heart_say > 0.0 or skin_say > 0.0 or told > model.SELF_LEAST:
            body = model.body_score(self.features, heart_say, skin_say)
            self._score.follow(model.with_report(body, told_score, told), now_s, dt_s)
        else:
            self._score.wait(now_s, dt_s)

        metabolic = self._motion.metabolic
        heart_trust = heart_say * (1.0 - metabolic) * heart.anchor.trust
        heart_trust *= CORRECTED_TRUST if _corrected(beats) else 1.0
        target = model.confidence(heart_trust, skin_say * skin.level_anchor.trust, told)
        target *= 1.0 - 0.5 * metabolic
        if max(heart.anchor.trust, skin.level_anchor.trust) < 1.0:
            target = min(target, model.UNSETTLED)
        if now_s - heart.swapped_s < SWAP_DOUBT_S:
            target = min(target, model.DOUBTFUL)
        self._confidence.move(target, dt_s)

    def _state(self, t_s: float, beats: Window, now_s: float) -> State:
        heart, skin = self._heart, self._eda
        hr_bpm = None if self._heart_trouble else heart.shown_bpm()
        skin_fresh = not self._skin_trouble
        score = self._score.value
        return State(
            t_s=t_s,
            arousal=model.arousal_of(score),
            confidence=self._confidence.value,
            p_elevated=model.p_elevated(score),
            hr_bpm=hr_bpm,
            rmssd_ms=window_rmssd_ms(beats),
            scr_per_min=skin.scr_per_min if skin_fresh else None,
            scl_us=skin.split.tonic if skin_fresh and skin.split.tonic > 0.0 else None,
            resp_bpm=self._resp_bpm,
            motion=self._motion.shown(now_s),
            hr_baseline_bpm=heart.anchor.mean if heart.anchor.ready else None,
            scr_baseline_per_min=skin.scr_anchor.mean if skin.level_anchor.ready else None,
            reasons=explain(self._facts(beats, now_s, hr_bpm, skin_fresh)),
        )

    def _facts(self, beats: Window, now_s: float, hr_bpm: float | None, skin_fresh: bool) -> Facts:
        heart, skin = self._heart, self._eda
        features = self.features
        told = self._told if self._told and now_s - self._told[0] < model.SELF_TAU_S else None
        return Facts(
            warm_up_left_s=min(heart.anchor.warm_up_left_s, skin.level_anchor.warm_up_left_s),
            settled=max(heart.anchor.trust, skin.level_anchor.trust) >= 1.0,
            hr_above_bpm=heart.mean_bpm - heart.anchor.mean if hr_bpm is not None and heart.anchor.ready else None,
            trend=features.trend if skin_fresh else None,
            level=features.level if skin_fresh else None,
            scr_change=skin.scr_change() if skin_fresh else None,
            heart=self._heart_trouble,
            skin=self._skin_trouble,
            moving=self._motion.metabolic > 0.25,
            swapped=now_s - heart.swapped_s < SWAP_DOUBT_S,
            corrected=_corrected(beats),
            told=None if told is None else told[1],
        )


def _corrected(beats: Window) -> bool:
    """Whether more than one beat in twenty of the window was left out."""
    return beats.kept.size >= CORRECTED_BEATS and beats.corrected > CORRECTED_LIMIT
