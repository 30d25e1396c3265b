"""RTSRN (Zhang et al., 2023): recurrent residual blocks with Wave-MLP, guided by two clues."""
