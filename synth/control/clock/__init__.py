"""Outside clocks: MIDI clock and Ableton Link, followed in tempo and phase as far as the limits let the tempo move."""
