"""The engine that runs each task in a supervised process of its own."""
