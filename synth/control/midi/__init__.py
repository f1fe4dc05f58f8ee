"""MIDI hands: controllers, pads and keys, turned into what a person may ask of a session."""

from __future__ import annotations

from synth.control.midi.hands import MidiHands
from synth.control.midi.mapfile import MapFile
from synth.control.midi.mapping import Binding, MidiError, MidiMap, Source
from synth.control.midi.ports import MidiPorts

__all__ = ["Binding", "MapFile", "MidiError", "MidiHands", "MidiMap", "MidiPorts", "Source"]
