"""The other sites of the federation, as this one reaches them."""
