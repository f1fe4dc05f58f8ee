"""Writes the notes, a bar at a time; knows nothing of audio."""
