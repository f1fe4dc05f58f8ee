"""Pictures of scores as SVG, drawn with nothing but text."""
