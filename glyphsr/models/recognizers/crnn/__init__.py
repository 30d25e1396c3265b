"""CRNN: convolutions, two bidirectional LSTMs, CTC."""
