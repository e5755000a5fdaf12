"""Physical samples: what they are made from, who holds them, where they are, and how they go from site to site."""
