"""Hands on the bus: OSC, OSCQuery, MIDI, clocks and Link, each turned into what a person may ask of a session."""
