"""MORAN v2: rectifier, residual encoder, attention decoders in both directions."""
