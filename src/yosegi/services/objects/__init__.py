"""Objects at a site, and their transfer between sites."""
