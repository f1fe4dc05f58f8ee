"""Every channel's measure, kept up to date from samples as they come, and the heart rate that they agree on."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from synth.estimator.eda import Eda
from synth.estimator.heart import Heart
from synth.estimator.hrv import mean_hr_bpm
from synth.estimator.inbox import STALE_S, Inbox
from synth.estimator.model import Features
from synth.estimator.motion import Motion
from synth.estimator.pulse import Pulse
from synth.estimator.told import Told
from synth.estimator.vitals import Vitals
from synth.wearables.samples import CHANNELS, Samples

STAND_IN_S = 10.0  # a better source of heart rate silent for so long gives way to the next
MEAN_BEATS_S = 10.0
BEAT_GAP_S = 3.0
UNCLEAR_BPM = 12.0  # a belief wider than this tells no heart rate
UNCLEAR_S = 60.0  # of that, before another source takes over: a wrist's own rate is further off
TOLD = ("self_arousal", "self_valence", "feedback")


class Senses:
    """The measures. `work(now_s)` hands each what came up to then.

    `heart_trouble` and `skin_trouble` tell why one is set aside ("" when it is not). Heart rate is the pulse wave's
    where there is one, as a wrist's own is late and led astray by movement; else that of the heart-rate channel; else
    that of the beats.
    """

    def __init__(self) -> None:
        self.inbox = {channel: Inbox() for channel in CHANNELS}
        self.heart = Heart()
        self.pulse = Pulse()
        self.skin = Eda()
        self.motion = Motion()
        self.vitals = Vitals()
        self.told = Told()
        self.heart_trouble = self.skin_trouble = "missing"
        self._hr_heard_s = self._wave_told_s = -math.inf

    def put(self, samples: Samples) -> None:
        """Leave samples to be taken when their time has come; channels it makes nothing of are passed over."""
        inbox = self.inbox.get(samples.channel)
        if inbox is not None and len(samples):
            inbox.put(samples)

    def work(self, now_s: float) -> Iterator[None]:
        """Hand every sample up to `now_s` to its measure, in parts of about equal cost."""
        for moment, rr_ms, good in self._each("rr_ms", now_s):
            if self.vitals.beat(moment, rr_ms, good):
                self.pulse.beat(rr_ms)
        for moment, us, good in self._each("eda", now_s):
            self.skin.add(moment, us, good)
        yield
        t, length_g, quality = self.inbox["acc"].take(now_s)
        self.vitals.moved(t, length_g, quality)
        for moment, g, good in zip(t.tolist(), length_g.tolist(), quality.tolist(), strict=True):
            self.motion.add(moment, g, good)
        for channel in TOLD:
            for moment, value, good in self._each(channel, now_s):
                self.told.add(channel, moment, value, good)
        yield
        self.vitals.take(self.inbox, now_s)
        yield
        self._take_heart(now_s)
        yield
        self.vitals.tick(now_s)
        yield
        self.heart_trouble = self.heart.trouble(now_s, self._heart_stale_s(now_s))
        self.skin_trouble = self.skin.trouble(now_s, self.inbox["eda"].stale_s)

    def _each(self, channel: str, now_s: float) -> zip[tuple[float, float, float]]:
        t, value, quality = self.inbox[channel].take(now_s)
        return zip(t.tolist(), value.tolist(), quality.tolist(), strict=True)

    def _take_heart(self, now_s: float) -> None:
        t, wave, quality = self.inbox["bvp"].take(now_s)
        self.vitals.wave(t, wave, quality)
        sound = np.isfinite(wave) & (quality >= 0.5)
        self.pulse.add(t[sound], wave[sound])
        heard = self.pulse.step(now_s) and now_s - self.pulse.heard_s <= STALE_S
        if heard and self.pulse.deviation_bpm <= UNCLEAR_BPM:
            self._wave_told_s = now_s
            self.heart.add(now_s, self.pulse.rate_bpm)
        from_wave = self._from_wave(now_s)
        for moment, bpm, good in self._each("hr", now_s):
            self._hr_heard_s = moment
            if not from_wave:
                self.heart.add(moment, bpm, good)
        if not from_wave and now_s - self._hr_heard_s > STAND_IN_S and now_s - self.vitals.beats.last_s < BEAT_GAP_S:
            last = self.vitals.beats.window(now_s, MEAN_BEATS_S)
            mean_bpm = mean_hr_bpm(last.rr_ms[last.kept])
            if mean_bpm is not None:
                self.heart.add(now_s, mean_bpm)

    def _from_wave(self, now_s: float) -> bool:
        """Whether heart rate is the wave's: while it is heard, and has told a clear rate not long ago."""
        return now_s - self.pulse.heard_s <= STAND_IN_S and now_s - self._wave_told_s <= UNCLEAR_S

    def _heart_stale_s(self, now_s: float) -> float:
        """Age from which heart rate is stale: of the channel it comes from."""
        if self._from_wave(now_s):
            return self.inbox["bvp"].stale_s
        beats_lead = self.vitals.beats.last_s > self._hr_heard_s + STAND_IN_S
        return self.inbox["rr_ms" if beats_lead else "hr"].stale_s

    @property
    def features(self) -> Features:
        """What the model sees now; None where the baseline is not known yet."""
        heart = self._heart_feature() if self.heart.baseline.ready else None
        if not self.skin.baseline.ready:
            return Features(heart=heart)
        return Features(self.skin.recent.feature, self.skin.longer.feature, self.skin.level_feature, heart)

    def _heart_feature(self) -> float:
        """The heart's feature less what movement explains; while breathing is slow on purpose it only tells calm."""
        feature = self.heart.feature * (1.0 - self.motion.metabolic)
        return feature * (1.0 - self.vitals.slow_breath) if feature > 0.0 else feature

    @property
    def repairs(self) -> tuple[str, ...]:
        """What had to be mended or set aside up to now, in words."""
        told = []
        for channel, inbox in self.inbox.items():
            for count, what in (
                (inbox.late, "samples came too late; not used"),
                (inbox.duplicates, "samples came twice; counted once"),
                (inbox.refused, "samples too many waiting; not used"),
            ):
                if count:
                    told.append(f"{channel}: {count} {what}")
        for channel, rejected in (("hr", self.heart.rejected), ("eda", self.skin.rejected)):
            if rejected:
                told.append(f"{channel}: {rejected} samples set aside as not from a body")
        return tuple(told)
