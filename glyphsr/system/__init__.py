"""Files, folders, processes, devices and random numbers: what every room needs of the machine."""
