"""SIGA: reads with the help of glyphs that it segments itself; the paper's source of glyph attention."""
