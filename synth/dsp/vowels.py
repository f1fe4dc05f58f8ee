"""Formants of sung vowels: frequency, level and bandwidth of five resonances for four voices and five vowels.

Csound manual, appendix "Formant Values".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

VOICES = ("soprano", "alto", "tenor", "bass")
VOWELS = ("a", "e", "i", "o", "u")
COUNT = 5

_TABLE = """
800 0 80    1150  -6 90   2900 -32 120  3900 -20 130  4950 -50 140
350 0 60    2000 -20 100  2800 -15 120  3600 -40 150  4950 -56 200
270 0 60    2140 -12 90   2950 -26 100  3900 -26 120  4950 -44 120
450 0 40     800 -11 80   2830 -22 100  3800 -22 120  4950 -50 120
325 0 50     700 -16 60   2700 -35 170  3800 -40 180  4950 -60 200

800 0 80    1150  -4 90   2800 -20 120  3500 -36 130  4950 -60 140
400 0 60    1600 -24 80   2700 -30 120  3300 -35 150  4950 -60 200
350 0 50    1700 -20 100  2700 -30 120  3700 -36 150  4950 -60 200
450 0 70     800  -9 80   2830 -16 100  3500 -28 130  4950 -55 135
325 0 50     700 -12 60   2530 -30 170  3500 -40 180  4950 -64 200

650 0 80    1080  -6 90   2650  -7 120  2900  -8 130  3250 -22 140
400 0 70    1700 -14 80   2600 -12 100  3200 -14 120  3580 -20 120
290 0 40    1870 -15 90   2800 -18 100  3250 -20 120  3540 -30 120
400 0 40     800 -10 80   2600 -12 100  2800 -12 120  3000 -26 120
350 0 40     600 -20 60   2700 -17 100  2900 -14 120  3300 -26 120

600 0 60    1040  -7 70   2250  -9 110  2450  -9 120  2750 -20 130
400 0 40    1620 -12 80   2400  -9 100  2800 -12 120  3100 -18 120
250 0 60    1750 -30 90   2600 -16 100  3050 -22 120  3340 -28 120
400 0 40     750 -11 80   2400 -21 100  2600 -20 120  2900 -40 120
350 0 40     600 -20 80   2400 -32 100  2675 -28 120  2950 -36 120
"""
_FORMANTS = np.array(_TABLE.split(), np.float64).reshape(len(VOICES), len(VOWELS), COUNT, 3)


def formants(voice: str, vowel: str) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies in Hz, levels in dB and bandwidths in Hz, (5,) each; ValueError for an unknown voice or vowel."""
    if voice not in VOICES or vowel not in VOWELS:
        raise ValueError(f"no formants for {voice!r} {vowel!r}: give one of {VOICES} and one of {VOWELS}")
    hz, level_db, bandwidth_hz = _FORMANTS[VOICES.index(voice), VOWELS.index(vowel)].T.copy()
    return hz, level_db, bandwidth_hz
