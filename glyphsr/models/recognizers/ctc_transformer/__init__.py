"""Convolutions, a transformer along the line, CTC: made to read low resolution quickly."""
