"""TATT (Ma, Liang, Zhang, CVPR 2022): the text prior reaches every place by attention."""
