"""Error correction and qubit stability: memories of surface and bicycle codes, thresholds, what a logical qubit costs.

Calls stim (Gidney, Quantum 5, 497 (2021)) to sample circuits, PyMatching (Higgott and Gidney, Quantum 9, 1600 (2025))
and ldpc (Roffe, White, Burton and Campbell, Phys. Rev. Research 2, 043423 (2020)) to decode them; they come with the
extra `quantum`. Everything here is simulated.
"""

from yosegi_packs.quantum.block import BlockMemory, block_memory
from yosegi_packs.quantum.footprint import Footprint, footprint
from yosegi_packs.quantum.memory import Memory, memory, memory_large, memory_small
from yosegi_packs.quantum.threshold import Threshold, threshold

__all__ = [
    "BlockMemory",
    "Footprint",
    "Memory",
    "Threshold",
    "block_memory",
    "footprint",
    "memory",
    "memory_large",
    "memory_small",
    "threshold",
]
