"""Sources of timed samples, one format a file."""
