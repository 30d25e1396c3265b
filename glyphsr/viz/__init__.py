"""Overlays and panels: arrays in, image out."""
