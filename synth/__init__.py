"""isotone: adaptive generative music, synthesized while it plays.

from synth import Session

session = Session("settle", seed=1, minutes=5)
session.feed("hr", 72.0)
block = session.render(256)  # (256, 2) float32
"""

from __future__ import annotations

from synth.lazily import lazily

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazily(__name__, __file__)
