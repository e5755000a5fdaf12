"""Error correction and qubit stability: memories of codes, thresholds, what a logical qubit costs, calibrated pulses.

Calls stim (Gidney, Quantum 5, 497 (2021)) to sample circuits, PyMatching (Higgott and Gidney, Quantum 9, 1600 (2025))
and ldpc (Roffe, White, Burton and Campbell, Phys. Rev. Research 2, 043423 (2020)) to decode them; they come with the
extra `quantum`. The pulses' master equation is qutip's, with the extra `quantum-pulse`. Everything here is simulated.
"""

from yosegi_packs.quantum.block import BlockMemory, block_memory
from yosegi_packs.quantum.footprint import Footprint, footprint
from yosegi_packs.quantum.gate import Gate, drag, drag_quick
from yosegi_packs.quantum.memory import Memory, memory, memory_large, memory_small
from yosegi_packs.quantum.threshold import Threshold, threshold

__all__ = [
    "BlockMemory",
    "Footprint",
    "Gate",
    "Memory",
    "Threshold",
    "block_memory",
    "drag",
    "drag_quick",
    "footprint",
    "memory",
    "memory_large",
    "memory_small",
    "threshold",
]
