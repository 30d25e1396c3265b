"""What ``visualize --what NAME`` draws; each view is a module."""
