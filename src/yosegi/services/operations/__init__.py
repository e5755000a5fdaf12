"""Stopping and releasing a site, and what is open to an operator after a fault."""
