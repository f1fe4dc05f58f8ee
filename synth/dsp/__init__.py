"""Units of signal processing, compiled; they know nothing of music."""
