"""What networks and recognizers are made of: layers, key tables and the contract of a kind."""
