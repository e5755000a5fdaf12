"""Policy decisions at a running site, their revocation, and what is disclosed of them."""
