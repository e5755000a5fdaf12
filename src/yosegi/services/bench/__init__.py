"""Work that waits for people at this site, and what they enter."""
