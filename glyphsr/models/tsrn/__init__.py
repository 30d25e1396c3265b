"""TSRN (Wang et al., ECCV 2020): the TextZoom paper's baseline."""
