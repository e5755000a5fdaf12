"""Grants: given, released, moved between sites, held, spent."""
