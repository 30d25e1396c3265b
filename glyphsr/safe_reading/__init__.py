"""The guarded way in for each kind of file: what it claims is checked before it is believed."""
