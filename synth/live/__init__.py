"""Live sound: a session in a process of its own that renders for a device, and its proxy here."""

from synth.lazily import lazily

__getattr__, __dir__, __all__ = lazily(__name__, __file__)
