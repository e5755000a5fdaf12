"""What is on record of who came in, and of what left the site: sign-ins, exports, reads, accounts, settings."""
