"""Stems, sends, the reverb's return, and the master."""

from synth.mix.master import Master
from synth.mix.mixer import Mixer

__all__ = ["Master", "Mixer"]
