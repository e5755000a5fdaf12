"""The facility API of DOE's Integrated Research Infrastructure (version 2), as a face of a site beside its pages."""

from yosegi.iri.app import make_iri_app

__all__ = ["make_iri_app"]
