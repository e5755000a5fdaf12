"""Another facility as an engine, through its facility API (IRI, version 2 or 1)."""
