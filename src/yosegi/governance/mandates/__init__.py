"""Mandates, delegation and approvals."""
