"""Tunings as data: scales in cents, where the twelve keys lie, and Scala's files of both."""
