"""Tasks, their effects, and the engines and stations that do the work.

Nothing is imported here: workers import this package, and must not carry a site's services with them.
"""
