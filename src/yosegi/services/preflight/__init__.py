"""Preflight: what an owner would say, before anybody asks."""
