"""LEMMA (Guo et al., IJCAI 2023): the network looks where it has found the characters."""
