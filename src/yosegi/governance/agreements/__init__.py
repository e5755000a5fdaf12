"""Agreements, labels of data, suspensions."""
