"""Recognizers: the text prior generator's networks and, later, the judges; each folder has the same file names."""
