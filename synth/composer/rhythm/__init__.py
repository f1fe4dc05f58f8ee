"""Rhythm: metre, patterns, cells that fill a bar, grooves, layers that drift, breath and free time."""

from synth.composer.rhythm.cells import cell, onsets
from synth.composer.rhythm.metre import bar_strength, groups, strength, syncopation
from synth.composer.rhythm.patterns import additive, euclid

__all__ = ["additive", "bar_strength", "cell", "euclid", "groups", "onsets", "strength", "syncopation"]
