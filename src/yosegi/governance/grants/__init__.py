"""Grants, what is left of them, and moving amounts between sites."""
