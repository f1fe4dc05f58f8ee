"""Measures of a score, one question a file. They read an exported MIDI file and know nothing of who wrote it."""
