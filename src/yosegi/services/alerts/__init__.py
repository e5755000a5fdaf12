"""Alerts to people, and the health checks from which some follow."""
