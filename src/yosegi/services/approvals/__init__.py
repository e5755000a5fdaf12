"""A person's approval of exactly one request."""
