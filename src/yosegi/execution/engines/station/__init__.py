"""The site's side of a station: its engine, its memory, the documents both speak."""
