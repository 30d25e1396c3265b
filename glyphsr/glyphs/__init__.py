"""Glyph Extraction Module: raw masks to ordered, per-character glyphs; pure functions on arrays."""
