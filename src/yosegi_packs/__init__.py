"""Domain packs: one module a focus area, each calling the library of its own field."""
