"""The house: what an endpoint may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synth.daemon.audio import Listeners
    from synth.daemon.config import Config
    from synth.daemon.events import Events
    from synth.daemon.ingest import Ingest
    from synth.daemon.metrics import Metrics
    from synth.daemon.renders import Renders
    from synth.daemon.security import Gate
    from synth.daemon.sessions import Sessions
    from synth.daemon.stage.stage import Stage


@dataclass
class House:
    """Handed to every endpoint: `stage` has the workers, `sessions` what they play, `events` and `listeners` those who
    follow, `ingest` takes signals, `renders` batches, `gate` knows who may what."""

    config: Config
    stage: Stage
    sessions: Sessions
    events: Events
    ingest: Ingest
    renders: Renders
    listeners: Listeners
    gate: Gate
    metrics: Metrics
