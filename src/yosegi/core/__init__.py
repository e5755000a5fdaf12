"""Values all packages share, and the Protocols through which time, network, disk and processes come."""
