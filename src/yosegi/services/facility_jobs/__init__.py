"""Jobs that a caller of the facility API launched: single tasks, each with the specification that it came with."""
