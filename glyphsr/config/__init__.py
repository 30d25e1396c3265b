"""Configuration classes and the strict YAML reader; free of torch."""
