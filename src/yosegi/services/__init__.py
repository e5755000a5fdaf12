"""What a face may ask of a site, one package a noun; `runtime` joins, starts and stops them."""
