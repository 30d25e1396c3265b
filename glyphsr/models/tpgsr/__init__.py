"""TPGSR (Ma, Guo, Zhang, 2021): TSRN guided by a text prior."""
