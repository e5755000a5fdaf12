"""The catalogue of capabilities: this site's own and those that peers offer."""
