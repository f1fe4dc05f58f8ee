"""The estimator: samples in as they come, one `State` out each second, from nothing but the past."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict

from synth.estimator import arousal, model
from synth.estimator.arousal import Confidence, Say, Score
from synth.estimator.context import Context
from synth.estimator.reasons import Facts, explain
from synth.estimator.senses import Senses
from synth.estimator.state import State
from synth.estimator.validity import DOUBT, Fit
from synth.wearables.samples import Samples

REORDER_S = 2.0  # samples may come this late out of order
CORRECTED_TRUST = 0.8
SWAP_DOUBT_S = 75.0
CONTEXT_NOTE = 0.15  # log-odds from which earlier sessions are worth telling


class Estimator:
    """Arousal and its measures from timed samples.

    `feed` takes samples of any channel in any order and batch size; `tick` says what is believed at a time of the
    session and is called once a second or more often, with rising times. A tick uses samples up to two seconds before
    it, put in order, each counted once, so that batching and small delays change nothing. `context` is what is known of
    the person from earlier sessions, None to leave that out.
    """

    def __init__(self, context: Context | None = None) -> None:
        self._context = context or Context()
        self._senses = Senses()
        self._heart_say = Say()
        self._skin_say = Say()
        self._score = Score()
        self._confidence = Confidence()
        self._fit = Fit()
        self._at_baseline = model.intercept(0.0, 0.0)
        self._latest: State | None = None

    def feed(self, samples: Samples) -> None:
        """Take in samples; channels it makes nothing of are passed over."""
        self._senses.put(samples)

    @property
    def repairs(self) -> tuple[str, ...]:
        """What had to be mended or set aside up to now, in words."""
        return self._senses.repairs

    @property
    def features(self) -> model.Features:
        """What the model sees now; None where the baseline is not known yet."""
        return self._senses.features

    @property
    def says(self) -> tuple[float, float]:
        """How far heart and skin have a say, each 0..1."""
        return self._heart_say.value, self._skin_say.value

    def tick(self, t_s: float) -> State:
        """What is believed at session time `t_s`, seconds; a time not later than the tick before changes nothing."""
        work = self.work(t_s)
        while True:
            try:
                next(work)
            except StopIteration as done:
                state: State = done.value
                return state

    def work(self, t_s: float) -> Generator[None, None, State]:
        """A tick in parts of about equal cost: one each time the generator is advanced; it returns the state."""
        if self._latest is not None and t_s <= self._latest.t_s:
            return self._latest
        dt_s = 1.0 if self._latest is None else t_s - self._latest.t_s
        now_s = t_s - REORDER_S
        yield from self._senses.work(now_s)
        self._believe(now_s, dt_s)
        yield
        self._latest = self._state(t_s, now_s)
        return self._latest

    def _believe(self, now_s: float, dt_s: float) -> None:
        """Bring score and confidence up to date."""
        senses, heart, skin = self._senses, self._senses.heart.baseline, self._senses.skin.baseline
        self._heart_say.move(float(heart.ready and not senses.heart_trouble), dt_s)
        self._skin_say.move(float(skin.ready and not senses.skin_trouble), dt_s)
        heart_say, skin_say = self.says
        body = model.body_score(self.features, heart_say, skin_say)
        if body is not None and heart.ready:
            body += heart_say * self._context.score(heart.anchor)
        score = senses.told.with_body(body, now_s)
        if score is not None:
            self._score.follow(score, now_s, dt_s)
        else:
            self._score.wait(now_s, dt_s)

        most = arousal.INTERCEPT_PER_S * dt_s
        self._at_baseline += min(max(model.intercept(heart_say, skin_say) - self._at_baseline, -most), most)
        if max(heart.trust * heart_say, skin.trust * skin_say) >= 1.0:
            self._fit.add(self._p_elevated, dt_s)
        metabolic = senses.motion.metabolic
        heart_trust = heart_say * (1.0 - metabolic) * heart.trust
        heart_trust *= CORRECTED_TRUST if senses.vitals.corrected else 1.0
        target = arousal.confidence(heart_trust, skin_say * skin.trust, senses.told.freshness(now_s))
        target *= (1.0 - 0.5 * metabolic) * (DOUBT if self._fit.fits is False else 1.0)
        if max(heart.trust, skin.trust) < 1.0:
            target = min(target, arousal.UNSETTLED)
        if now_s - senses.heart.swapped_s < SWAP_DOUBT_S:
            target = min(target, arousal.DOUBTFUL)
        self._confidence.move(target, dt_s)

    @property
    def _p_elevated(self) -> float:
        return model.p_elevated(self._score.value, self._at_baseline)

    def _state(self, t_s: float, now_s: float) -> State:
        senses, heart, skin = self._senses, self._senses.heart, self._senses.skin
        hr_bpm = None if senses.heart_trouble else heart.shown_bpm()
        skin_fresh = not senses.skin_trouble
        return State(
            t_s=t_s,
            arousal=arousal.arousal_of(self._score.value),
            confidence=self._confidence.value,
            p_elevated=self._p_elevated,
            fits=self._fit.fits,
            valence=senses.told.valence(now_s),
            hr_bpm=hr_bpm,
            scr_per_min=skin.scr_per_min if skin_fresh else None,
            scl_us=skin.split.tonic if skin_fresh and skin.split.tonic > 0.0 else None,
            motion=senses.motion.shown(now_s),
            hr_baseline_bpm=heart.baseline.anchor if heart.baseline.ready else None,
            scr_baseline_per_min=skin.scr_baseline.anchor if skin.baseline.ready else None,
            **asdict(senses.vitals.measures),
            heart_trouble=senses.heart_trouble,
            skin_trouble=senses.skin_trouble,
            reasons=explain(self._facts(now_s, hr_bpm, skin_fresh)),
        )

    def _began_above_bpm(self) -> float | None:
        """How far above earlier sessions this one began, beats a minute; None while that moves nothing."""
        usual, heart = self._context.usual_bpm(), self._senses.heart.baseline
        if usual is None or not heart.ready or abs(self._context.score(heart.anchor)) < CONTEXT_NOTE:
            return None
        return heart.anchor - usual[0]

    def _facts(self, now_s: float, hr_bpm: float | None, skin_fresh: bool) -> Facts:
        senses, heart, skin = self._senses, self._senses.heart, self._senses.skin
        features = self.features
        return Facts(
            warm_up_left_s=min(heart.baseline.warm_up_left_s, skin.baseline.warm_up_left_s),
            settled=max(heart.baseline.trust, skin.baseline.trust) >= 1.0,
            hr_above_bpm=heart.mean_bpm - heart.baseline.mean if hr_bpm is not None and heart.baseline.ready else None,
            trend=features.recent if skin_fresh else None,
            level=features.level if skin_fresh else None,
            scr_change=skin.scr_change() if skin_fresh else None,
            heart=senses.heart_trouble,
            skin=senses.skin_trouble,
            moving=senses.motion.metabolic > 0.25,
            slow_breath=senses.vitals.slow_breath > 0.5 and not senses.heart_trouble,
            swapped=now_s - heart.swapped_s < SWAP_DOUBT_S,
            corrected=senses.vitals.corrected,
            told=senses.told.arousal(now_s),
            valence=senses.told.valence(now_s),
            fits=self._fit.fits,
            began_above_bpm=self._began_above_bpm(),
        )
