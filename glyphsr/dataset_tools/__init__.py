"""The commands ``data make``, ``export``, ``inspect``, ``verify``, ``synth`` and ``degrade``."""
