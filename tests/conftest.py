"""What holds in every test."""

pytest_plugins = ("unhandled",)
