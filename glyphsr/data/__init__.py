"""Readers and writers of LMDBs, folders and pictures, degradation, rendering, collation: disk to Batch."""
