"""Results to scores: reading, engraving, marks, annotation and MusicXML."""
