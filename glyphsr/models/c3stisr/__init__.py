"""C3-STISR (Zhao, Wang, Xue, Li, IJCAI 2022): text priors by recognition and by language."""
