"""The guard: OCR before and after decides whether a line keeps the network's change."""
