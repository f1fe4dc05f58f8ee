"""Measured practice as starting weights: what tends to follow what in songs and chorales.

Melody: aggregates over 168 lullabies and evening songs of the Essen folk song collection. Functional harmony in
major: aggregates over 500 public-domain lead sheets (OpenEWLD), diatonic chords only. The other three harmony
tables are design numbers after published aggregates: minor after the DCML annotated corpora (Hentschel, Neuwirth
& Rohrmeier 2021), loop harmony after slow songs of POP909 (Wang et al. 2020). A prior is where sampling
starts; tension, voice-leading and the plan bend it.
"""

from __future__ import annotations

# Interval classes: unison, step (1-2 semitones), third (3-4), leap (5-7), wide leap (8 and more), down and up.
CLASSES = ("0", "s-", "s+", "t-", "t+", "l-", "l+", "L-", "L+")

# P(next interval class | this one), columns in the order of CLASSES.
INTERVAL_AFTER: dict[str, tuple[float, ...]] = {
    "0": (0.312, 0.271, 0.155, 0.071, 0.083, 0.033, 0.061, 0.002, 0.013),
    "s-": (0.187, 0.448, 0.153, 0.062, 0.053, 0.031, 0.050, 0.003, 0.014),
    "s+": (0.188, 0.250, 0.349, 0.098, 0.046, 0.037, 0.020, 0.004, 0.008),
    "t-": (0.192, 0.225, 0.212, 0.091, 0.141, 0.015, 0.099, 0.003, 0.021),
    "t+": (0.284, 0.315, 0.091, 0.129, 0.083, 0.052, 0.041, 0.004, 0.002),
    "l-": (0.255, 0.049, 0.198, 0.033, 0.045, 0.004, 0.305, 0.000, 0.111),
    "l+": (0.322, 0.312, 0.116, 0.111, 0.016, 0.059, 0.007, 0.020, 0.000),
    "L-": (0.138, 0.000, 0.069, 0.000, 0.310, 0.000, 0.379, 0.000, 0.103),
    "L+": (0.330, 0.259, 0.089, 0.259, 0.018, 0.045, 0.000, 0.000, 0.000),
}
FIRST_DEGREE = {4: 0.54, 0: 0.28, 2: 0.18}  # scale degree (0 = tonic) that opens a phrase
CLOSING_DEGREE = {0: 0.35, 2: 0.21, 4: 0.18, 1: 0.17}  # and that ends one
CONTOURS = {"arch": 0.33, "falling": 0.30, "rising": 0.15, "valley": 0.07}
RETURN_LAG = {1: 0.35, 2: 0.40, 3: 0.08, 4: 0.15}  # how many phrases ago the idea was heard

FIRST_CHORD = (0.52, 0.06, 0.06, 0.14, 0.06, 0.12, 0.04)  # degree that opens a phrase [design]

# P(next degree | degree), rows and columns I..VII.
FUNCTIONAL_MAJOR = (
    (0.02, 0.08, 0.03, 0.29, 0.27, 0.10, 0.02),
    (0.10, 0.02, 0.03, 0.03, 0.67, 0.03, 0.04),
    (0.11, 0.08, 0.02, 0.10, 0.14, 0.35, 0.02),
    (0.40, 0.10, 0.02, 0.02, 0.25, 0.05, 0.04),
    (0.71, 0.04, 0.02, 0.04, 0.02, 0.07, 0.01),
    (0.14, 0.26, 0.04, 0.20, 0.16, 0.02, 0.02),
    (0.64, 0.02, 0.06, 0.02, 0.22, 0.03, 0.01),
)
FUNCTIONAL_MINOR = (
    (0.02, 0.06, 0.08, 0.18, 0.38, 0.14, 0.12),
    (0.18, 0.02, 0.02, 0.04, 0.60, 0.04, 0.06),
    (0.12, 0.03, 0.02, 0.22, 0.08, 0.30, 0.20),
    (0.25, 0.08, 0.06, 0.02, 0.38, 0.06, 0.14),
    (0.70, 0.02, 0.04, 0.05, 0.02, 0.12, 0.04),
    (0.15, 0.08, 0.14, 0.20, 0.18, 0.02, 0.22),
    (0.45, 0.02, 0.32, 0.04, 0.06, 0.08, 0.02),
)
LOOP_MAJOR = (
    (0.02, 0.08, 0.13, 0.24, 0.22, 0.20, 0.03),
    (0.06, 0.02, 0.09, 0.05, 0.66, 0.06, 0.03),
    (0.05, 0.17, 0.02, 0.29, 0.07, 0.36, 0.01),
    (0.20, 0.06, 0.17, 0.02, 0.46, 0.06, 0.03),
    (0.50, 0.03, 0.08, 0.16, 0.02, 0.16, 0.02),
    (0.08, 0.20, 0.16, 0.26, 0.19, 0.02, 0.03),
    (0.42, 0.02, 0.10, 0.32, 0.10, 0.04, 0.02),
)
LOOP_MINOR = (
    (0.02, 0.02, 0.08, 0.21, 0.13, 0.26, 0.17),
    (0.28, 0.02, 0.04, 0.06, 0.45, 0.04, 0.11),
    (0.21, 0.02, 0.02, 0.18, 0.10, 0.18, 0.17),
    (0.16, 0.02, 0.07, 0.02, 0.26, 0.08, 0.34),
    (0.36, 0.01, 0.08, 0.15, 0.02, 0.25, 0.12),
    (0.12, 0.01, 0.12, 0.08, 0.18, 0.02, 0.48),
    (0.30, 0.02, 0.29, 0.07, 0.10, 0.13, 0.02),
)
# How often a mode's chords are called on, against the tables above: each mode shows its own colour.
MODE_COLOUR = (
    (1.0, 2.4, 1.0, 1.0, 1.0, 1.0, 1.0),  # lydian: II
    (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
    (1.0, 1.0, 1.0, 1.2, 0.6, 1.0, 7.0),  # mixolydian: the flat seventh
    (1.0, 1.5, 1.0, 2.0, 0.8, 1.0, 1.2),  # dorian: IV major
    (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
    (1.0, 8.0, 1.0, 1.0, 1.0, 1.0, 1.3),  # phrygian: the flat second
)
# Tension of eight equal parts of a phrase against its mean (chord-to-key strain in calm piano music, widened):
# it opens at rest, leans away until about two thirds, then lets go.
PHRASE_TENSION = (0.5, 1.1, 1.6, 1.8, 2.2, 2.0, 1.6, 0.6)
