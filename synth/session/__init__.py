"""The owner of time: a session of a preset, from its terms to its last frame."""

from synth.lazily import lazily

__getattr__, __dir__, __all__ = lazily(__name__, __file__)
