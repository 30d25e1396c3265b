"""ASTER: thin-plate-spline rectifier, residual encoder, attention decoder with beam search."""
