"""TBSRN (Chen, Li, Xue, CVPR 2021): the network of Scene Text Telescope."""
