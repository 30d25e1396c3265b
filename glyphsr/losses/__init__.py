"""One file per loss: tensors in, a scalar out."""
