"""Engines that do the work of a site. Nothing is imported here: workers import this package."""
