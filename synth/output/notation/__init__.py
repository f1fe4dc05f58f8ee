"""Written music: the score in note values, as MusicXML and engraved."""
