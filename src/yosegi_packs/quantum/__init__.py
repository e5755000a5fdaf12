"""Error correction and qubit stability: surface-code memories, their threshold, and what a logical qubit costs.

Calls stim (Gidney, Quantum 5, 497 (2021)) to sample circuits and PyMatching (Higgott and Gidney, Quantum 9, 1600
(2025)) to decode them; both come with the extra `quantum`. Everything here is simulated.
"""

from yosegi_packs.quantum.footprint import Footprint, footprint
from yosegi_packs.quantum.memory import Memory, memory, memory_large, memory_small
from yosegi_packs.quantum.threshold import Threshold, threshold

__all__ = ["Footprint", "Memory", "Threshold", "footprint", "memory", "memory_large", "memory_small", "threshold"]
