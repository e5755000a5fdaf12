"""Charters, agreements, policies and suspensions at a running site."""
