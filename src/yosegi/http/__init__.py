"""What all faces share: strict JSON, limits, authentication of a call, errors as problems."""
