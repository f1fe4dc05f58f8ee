"""Files that a session leaves behind."""
