"""PARSeq: a ViT encoder and a two-stream decoder that reads in any order."""
