"""Campaigns as people ask for them."""
