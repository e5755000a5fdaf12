"""The demonstration: a federation of three sites on this machine, and a campaign to its answer."""
