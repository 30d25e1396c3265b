"""Networks, one folder each: tensors in, output dataclass out."""
