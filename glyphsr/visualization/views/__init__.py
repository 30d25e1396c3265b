"""One view each: what ``visualize --what NAME`` draws."""
