"""Stems, sends, the reverb's return, and the master."""

from synth.mix.delivery import Delivery
from synth.mix.haptics import HapticBus
from synth.mix.master import Master
from synth.mix.mixer import Mixer

__all__ = ["Delivery", "HapticBus", "Master", "Mixer"]
