"""Byte formats without meaning: packets taken apart and put together, one format a file."""
