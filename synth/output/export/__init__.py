"""Hands a rendered session to a DAW: one model of what is handed over, one file for each format."""
