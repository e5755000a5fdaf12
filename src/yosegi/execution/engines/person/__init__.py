"""An engine whose worker is a person: with a form, a CSV round trip, or a folder that they keep."""
