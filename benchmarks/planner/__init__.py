"""The planner against its peers on published laboratory data: `python -m benchmarks.planner --help`."""
