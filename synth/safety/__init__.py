"""Limits, and the guards that keep them."""
