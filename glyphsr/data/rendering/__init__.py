"""Words drawn with fonts, with the exact mask of every character."""
