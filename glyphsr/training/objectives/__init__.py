"""What each training task minimises, as named loss terms."""
