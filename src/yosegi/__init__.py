"""Yosegi: laboratories of different institutions do AI-driven science together."""
