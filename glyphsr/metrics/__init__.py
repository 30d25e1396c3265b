"""One pure function per metric."""
