"""Values all rooms share, and the Protocols through which time, network, disk and processes come."""
