"""The faces of a site on the web: API, pages, and the doors for sites and stations."""

from yosegi.web.app import make_app

__all__ = ["make_app"]
