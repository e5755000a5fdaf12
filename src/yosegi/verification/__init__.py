"""Offline verification: a campaign's bundle, decisions made again, ledgers audited, incidents traced."""
