"""Render workers: processes that play many sessions each, and how the API process reaches them."""

from __future__ import annotations

from synth.daemon.stage.part import Part
from synth.daemon.stage.remote import RemoteSession
from synth.daemon.stage.sound import Sound
from synth.daemon.stage.stage import NoRoom, Stage, WorkerSeen

__all__ = ["NoRoom", "Part", "RemoteSession", "Sound", "Stage", "WorkerSeen"]
