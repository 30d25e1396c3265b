"""What a text prior reads, in plain arrays: words, how sure they are, texts placed along a line, and the gate."""
