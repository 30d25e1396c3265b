"""Charsets, label normalisation and the codecs between text and class indices."""
