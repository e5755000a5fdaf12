"""What a list of process variables is: read from the IOC, and drafted as a capability for a person to edit."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from yosegi.core.sanitize import one_line, quoted
from yosegi_packs.devices.channels import Channel, DriveLimits, wait_for
from yosegi_packs.devices.errors import DeviceError
from yosegi_packs.devices.network import EpicsNetwork
from yosegi_packs.devices.variable import Reading

_SETPOINT: Final = ("SP", "VAL", "SET", "SETPOINT", "DEMAND")
_READBACK: Final = ("RBV", "RB", "RDBK", "READBACK", "MON")
"""Endings by which laboratories commonly name a setpoint and its readback."""


@dataclass(frozen=True, slots=True)
class FoundVariable:
    """One process variable that answered with a number.

    Args:
        pv: its name with the protocol.
        reading: what it said.
        limits: what the IOC takes.
        unit: what the IOC says its unit is.
    """

    pv: str
    reading: Reading
    limits: DriveLimits
    unit: str


def inspect(folder: Path, names: Iterable[str]) -> str:
    """What a station sees of these process variables, and a draft; for `yosegi station inspect`.

    Args:
        folder: of the station.
        names: of process variables; a file of names, one a line (what `dbl` of an IOC writes), counts as its names.
    """
    pvs = [pv for name in names for pv in _expand(name)]
    found, others = look(folder, pvs)
    told = [f"# {one.pv}: {one.reading.value:g} {one.unit}, alarm {one.reading.severity.name.lower()}" for one in found]
    told = [one_line(line) for line in [*told, *(f"# {pv}: {why}" for pv, why in others.items())]]
    return "\n".join([*told, "", draft(found)]) if found else "\n".join(told)


def _expand(name: str) -> list[str]:
    path = Path(name)
    if "/" in name and path.is_file():
        return path.read_text(encoding="utf-8").split()
    return [name]


def look(folder: Path, pvs: Iterable[str]) -> tuple[list[FoundVariable], dict[str, str]]:
    """Ask for process variables; nothing is put.

    Args:
        folder: of the station, for where IOCs are.
        pvs: their names.

    Returns:
        What answered with a number, and why the others did not.
    """
    EpicsNetwork.load(folder).apply()
    found: list[FoundVariable] = []
    others: dict[str, str] = {}
    for pv in pvs:
        try:
            found.append(wait_for(_one(pv)))
        except DeviceError as error:
            others[pv] = error.why
    return found, others


async def _one(pv: str) -> FoundVariable:
    channel = Channel(pv, pv)
    await channel.connect()
    limits, unit = await channel.describe()
    return FoundVariable(channel.pv, await channel.read(), limits, unit)


def draft(found: Iterable[FoundVariable]) -> str:
    """Python of one variable for each setpoint with its readback and each other number, and of a capability.

    Args:
        found: what `look` found.
    """
    by_stem: dict[str, dict[str, FoundVariable]] = {}
    for one in found:
        stem, kind = _split(one.pv)
        by_stem.setdefault(stem, {})[kind] = one
    names = _names(by_stem)
    variables = [_variable(names[stem], parts) for stem, parts in by_stem.items()]
    settable = [
        (names[stem], parts["setpoint"]) for stem, parts in by_stem.items() if {"setpoint", "readback"} <= set(parts)
    ]
    read = [names[stem] for stem, parts in by_stem.items() if "setpoint" not in parts]
    return _FILE.format(
        variables="\n".join(variables),
        names=", ".join(name.upper() for name in names.values()),
        takes=", ".join(f"{name}: Annotated[float, {_quantity(one)}]" for name, one in settable) or "",
        comma=", " if settable else "",
        sets="".join(f'"{name}": {name}, ' for name, _ in settable).rstrip(", "),
        fields="\n".join(f'    {name}: Annotated[float, quantity("1")]  # TODO: its unit in UCUM' for name in read)
        or "    nothing: bool = True",
        reads=", ".join(f'device.read("{name}").value' for name in read),
    )


def _split(pv: str) -> tuple[str, str]:
    stem, _, last = re.split(r"://", pv)[-1].rpartition(":")
    kind = "setpoint" if last.upper() in _SETPOINT else "readback" if last.upper() in _READBACK else "detector"
    return (stem or last, kind) if kind != "detector" else (re.split(r"://", pv)[-1], kind)


def _names(stems: Iterable[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for stem in stems:
        plain = re.sub(r"\W+", "_", stem.rpartition(":")[2]).strip("_").lower() or "pv"
        plain = plain if plain[0].isalpha() else f"pv_{plain}"
        taken = sum(name == plain or name.startswith(f"{plain}_") for name in names.values())
        names[stem] = f"{plain}_{taken + 1}" if taken else plain
    return names


def _variable(name: str, parts: Mapping[str, FoundVariable]) -> str:
    shown = parts.get("readback") or parts.get("detector") or parts["setpoint"]
    readback, unit = quoted(shown.pv), quoted(shown.unit)
    lines = [f'{name.upper()} = Variable(\n    name="{name}", readback={readback}, unit="1", egu={unit},']
    if "setpoint" in parts and "readback" in parts:
        ends = _ends(parts["setpoint"])
        lines.append(f"    setpoint={quoted(parts['setpoint'].pv)},")
        lines.append(f"    low={ends['ge']}, high={ends['le']}, tolerance=...,  # TODO: limits and tolerance")
    return "\n".join([*lines, ")"])


def _ends(one: FoundVariable) -> dict[str, float | None]:
    """The limits, by the words of `quantity`; none where the IOC says what is no number."""
    ends = {"ge": one.limits.low, "le": one.limits.high}
    return {word: end if end is not None and math.isfinite(end) else None for word, end in ends.items()}


def _quantity(one: FoundVariable) -> str:
    bounds = [f"{word}={value}" for word, value in _ends(one).items() if value is not None]
    return "quantity(" + ", ".join(['"1"', *bounds]) + ")"


_FILE: Final = '''"""Drafted from what the IOCs say. Edit every TODO, then: yosegi capability check THIS_MODULE"""

from dataclasses import dataclass
from typing import Annotated

from yosegi import capability, quantity
from yosegi.core.capability import Context
from yosegi_packs.devices import Devices, Variable

{variables}


@dataclass(frozen=True)
class Measured:
    """TODO: what was measured."""

{fields}


@capability(
    "device.measure@1", kind="instrument", effect="stateful", field="instruments", simulated=False, time_limit=120,
    on_revoked="safe_stop", stop_grace=60, safe_state="TODO: everything is back where it was, verified",
)
def measure({takes}{comma}context: Context) -> Measured:
    """TODO: what it does, in a sentence."""
    with Devices([{names}], context, simulated=False, restore=True) as device:
        device.set({{{sets}}})
        return Measured({reads})
'''
