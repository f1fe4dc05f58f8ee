"""The score and its file formats."""
