"""Text Gestalt (Chen, Yu, Ma, Li, Xue, AAAI 2022): TSRN or TBSRN, trained to look at strokes."""
