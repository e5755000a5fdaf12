"""Imported before NumPy by every command: matrices are small, and threads that wait for each other triple the work.

Measured with the look back at a table of 60 recipes on two busy cores: 9.3 s of computing with the threads that
OpenBLAS starts by itself, 2.9 s with one. Who sets the variables keeps them.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
