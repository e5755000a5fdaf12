"""The Python client of a running site."""
