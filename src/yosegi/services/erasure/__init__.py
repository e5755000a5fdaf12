"""Erasure of what must not have been shared, at every site that holds it."""
