"""Segment Anything (Kirillov et al. 2023) behind the GEM: the published network, run faster for many prompts."""
