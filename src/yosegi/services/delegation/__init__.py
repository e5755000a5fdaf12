"""Mandates at their home site, and how an owner verifies whom a request acts for."""
