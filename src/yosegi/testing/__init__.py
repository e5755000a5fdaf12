"""Fakes, a simulated clock, network and disk, and whole federations in one process; imported by tests alone."""
