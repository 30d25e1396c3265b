"""Blocks that two networks share."""
