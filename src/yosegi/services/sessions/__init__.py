"""Signing in and out by program."""
