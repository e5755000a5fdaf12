"""The gate question with qutip loaded: publish from here where tasks are many.

A site forks each task from a process that has imported the entry's module, and one of `yosegi_packs.quantum` imports
qutip again for each.
"""

from yosegi_packs.quantum.gate import drag, drag_quick, library

__all__ = ["drag", "drag_quick"]

library()
