"""One task asked by a person or an agent, without a campaign."""
