"""Times in which this site ran less than all it publishes, as anybody may know them."""
