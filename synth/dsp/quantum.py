"""The grid of the engine: controls, voices and gains change at the edges of a quantum, whatever the block."""

QUANTUM = 64  # frames; a state changes on this grid or on an event's exact frame
