"""What programs did that act for people: on record, counted and bounded."""
