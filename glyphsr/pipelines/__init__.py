"""Train, upscale, later evaluate and extract: wire the rooms, own loops and seeds."""
