"""Keys, signers and signed documents: what lets one site believe another."""
