"""What a SiLA 2 server offers: its features, commands and their parameters, and a capability around each command.

Read from the server's own feature definitions (SiLA 2 Part A, Feature Definition Language).
"""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from sila2.client import SilaClient

from yosegi.core.errors import Invalid, YosegiError
from yosegi.core.sanitize import in_docstring, one_line
from yosegi_packs.devices.sila import described
from yosegi_packs.devices.sila_connection import SilaRefused, connect

_NAMESPACE: Final = "{http://www.sila-standard.org}"
MOST_FEATURES: Final = 256
"""Features of one server that are read."""
_IDENTIFIER: Final = re.compile(r"[A-Z][A-Za-z0-9]{0,254}")
"""Of a feature, command, property, parameter or response (SiLA 2 Part A)."""
_CORE: Final = "org.silastandard/"
_PYTHON: Final = {"Real": "float", "Integer": "int", "Boolean": "bool", "String": "str"}
_BOUNDS: Final = {
    "MinimalInclusive": "ge",
    "MaximalInclusive": "le",
    "MinimalExclusive": "gt",
    "MaximalExclusive": "lt",
}


@dataclass(frozen=True, slots=True)
class SilaElement:
    """A parameter, a response or a property.

    Args:
        name: its identifier.
        about: its description.
        basic: its basic type, e.g. `Real`; empty for a list, a structure, or a type of the feature's own.
        unit: the label of its unit; empty where the feature states none.
        bounds: of a number, e.g. `{"ge": 0.0}`, in the words of `quantity`.
    """

    name: str
    about: str
    basic: str
    unit: str
    bounds: Mapping[str, float]

    def __str__(self) -> str:
        """For a list: name, type, unit, bounds and what it is."""
        bounds = "".join(f", {_WORDS[word]} {value:g}" for word, value in self.bounds.items())
        return (
            f"{self.name}: {self.basic or 'of a compound type'}{self.unit and f' in {self.unit}'}{bounds}. {self.about}"
        )


_WORDS: Final = {"ge": "at least", "le": "at most", "gt": "above", "lt": "below"}


@dataclass(frozen=True, slots=True)
class SilaCommand:
    """A command.

    Args:
        feature: the identifier of its feature.
        name: its identifier.
        about: its description.
        is_observable: whether a call of it has an execution that can be asked for.
        parameters: in their order.
        responses: in their order.
    """

    feature: str
    name: str
    about: str
    is_observable: bool
    parameters: tuple[SilaElement, ...]
    responses: tuple[SilaElement, ...]


@dataclass(frozen=True, slots=True)
class FoundServer:
    """A server that answered.

    Args:
        device: its table in sila.toml.
        kind: the server's type; a simulated one's begins with `Simulated`.
        uuid: of the server.
        core: identifiers of SiLA's own features that it has.
        commands: of all its other features.
        properties: of those, as `(feature, property)`.
    """

    device: str
    kind: str
    uuid: str
    core: tuple[str, ...]
    commands: tuple[SilaCommand, ...]
    properties: tuple[tuple[str, SilaElement], ...]


def inspect(folder: Path, names: Iterable[str]) -> str:
    """What these servers offer, and a draft; for `yosegi station inspect --by sila`. No command is called.

    Args:
        folder: of the station.
        names: of tables in the folder's `sila.toml`, or `HOST:PORT` of servers on the station's own computer.

    Raises:
        Invalid: a table is not there, or a server on another computer has no certificate named.
        SilaRefused: a server does not answer.
    """
    found = [look(folder, name) for name in names]
    return "\n".join([*(line for one in found for line in _told(one)), "", draft(found)])


def look(folder: Path, name: str) -> FoundServer:
    """Read a server's feature definitions; it is not locked, and nothing is called.

    Raises:
        Invalid, SilaRefused: as `inspect`.
    """
    said = {"address": name} if ":" in name else described(folder, name, needs=("address",))
    host, _, port = str(said["address"]).rpartition(":")
    try:
        client = connect(folder, host, int(port), str(said.get("certificate", "")))
        try:
            return _found(client, "device" if ":" in name else name)
        finally:
            client.close()
    except YosegiError:
        raise
    except Exception as error:  # the library raises anything at what it cannot read
        raise SilaRefused(name, f"{host}:{port} does not answer as a SiLA server ({error})") from error


def _found(client: SilaClient, device: str) -> FoundServer:
    service = client.SiLAService
    names = [str(one) for one in service.ImplementedFeatures.get()]
    if len(names) > MOST_FEATURES:
        raise SilaRefused(device, f"the server says that it has {len(names)} features, and {MOST_FEATURES} are read")
    commands: list[SilaCommand] = []
    properties: list[tuple[str, SilaElement]] = []
    for name in names:
        if not name.startswith(_CORE):
            of_feature = read_feature(service.GetFeatureDefinition(name).FeatureDefinition)
            commands += of_feature[0]
            properties += of_feature[1]
    core = tuple(
        name.removeprefix(_CORE).partition("/")[2].partition("/")[0] for name in names if name.startswith(_CORE)
    )
    kind, uuid = str(service.ServerType.get()), str(service.ServerUUID.get())
    return FoundServer(device, kind, uuid, core, tuple(commands), tuple(properties))


def read_feature(definition: str) -> tuple[list[SilaCommand], list[tuple[str, SilaElement]]]:
    """The commands and properties in a feature definition.

    Args:
        definition: XML in SiLA's Feature Definition Language.

    Raises:
        Invalid: it is not, or an identifier or a bound in it is none.
    """
    try:
        feature = ElementTree.fromstring(definition)
    except ElementTree.ParseError as error:
        raise Invalid("a feature definition of the server", f"is no XML that can be read ({error})") from None
    name = _identifier(feature)
    commands = [_command(name, one) for one in _all(feature, "Command")]
    return commands, [(name, _element(one)) for one in _all(feature, "Property")]


def _command(feature: str, node: ElementTree.Element) -> SilaCommand:
    parts = [tuple(_element(one) for one in _all(node, kind)) for kind in ("Parameter", "Response")]
    observable = _text(node, "Observable") == "Yes"
    return SilaCommand(feature, _identifier(node), _sentence(node), observable, parts[0], parts[1])


def _element(node: ElementTree.Element) -> SilaElement:
    kind, unit, ends = node.find(f"{_NAMESPACE}DataType"), "", dict[str, str]()
    while kind is not None and (constrained := kind.find(f"{_NAMESPACE}Constrained")) is not None:
        for one in constrained.iterfind(f"{_NAMESPACE}Constraints/*"):
            word = one.tag.removeprefix(_NAMESPACE)
            unit = _text(one, "Label") if word == "Unit" else unit
            ends |= {_BOUNDS[word]: (one.text or "").strip()} if word in _BOUNDS else {}
        kind = constrained.find(f"{_NAMESPACE}DataType")
    basic = "" if kind is None else _text(kind, "Basic")
    bounds = {word: _bound(end) for word, end in ends.items()} if basic in ("Real", "Integer") else {}
    return SilaElement(_identifier(node), _sentence(node), basic, unit, bounds)


def _all(node: ElementTree.Element, kind: str) -> list[ElementTree.Element]:
    return node.findall(f"{_NAMESPACE}{kind}")


def _text(node: ElementTree.Element, kind: str) -> str:
    return (node.findtext(f"{_NAMESPACE}{kind}") or "").strip()


def _identifier(node: ElementTree.Element) -> str:
    name = _text(node, "Identifier")
    if not _IDENTIFIER.fullmatch(name):
        raise Invalid("a feature definition of the server", f"{name[:80]!r} is no identifier of SiLA 2")
    return name


def _bound(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise Invalid("a feature definition of the server", f"{text[:80]!r} bounds a number, and is none")
    return number


def _sentence(node: ElementTree.Element) -> str:
    """The first sentence of a description, which becomes a docstring."""
    first = " ".join(_text(node, "Description").split()).partition(". ")[0].rstrip(".")
    return f"{first or 'TODO: what it is'}."


def _told(server: FoundServer) -> list[str]:
    told = [f"# {server.device}: {server.kind}, uuid {server.uuid}, with SiLA's {', '.join(server.core)}"]
    for one in server.commands:
        note = "" if one.is_observable else " (not observable, so not drafted: nobody could ask what became of it)"
        told.append(f"# {one.feature}.{one.name}{note}: {one.about}")
        told += [f"#   takes {parameter}" for parameter in one.parameters]
        told += [f"#   gives {response}" for response in one.responses]
    told += [f"# {feature}, a property: {prop}" for feature, prop in server.properties]
    return [one_line(line) for line in told]


def draft(servers: Sequence[FoundServer]) -> str:
    """Python of a capability around each observable command.

    Args:
        servers: what `look` found.
    """
    drafted, names = [_HEAD], set[str]()
    for server in servers:
        for command in (one for one in server.commands if one.is_observable):
            name = _snake(command.name)
            if name in names:
                name = _snake(f"{server.device}_{command.feature}_{command.name}")
            names.add(name)
            drafted.append(_capability(server, command, name))
    return "".join(drafted)


def _capability(server: FoundServer, command: SilaCommand, name: str) -> str:
    plain = [one for one in command.parameters if one.basic in _PYTHON]
    rest = [one.name for one in command.parameters if one not in plain]
    given = [*(f"{one.name}={_snake(one.name)}" for one in plain), *(f"{one}=..." for one in rest)]
    read = [one for one in command.responses if one.basic in _PYTHON]
    missing = [one.name for one in command.responses if one not in read]
    fields = [f"    {_snake(one.name)}: {_typed(one)}{_unit(one)}" for one in read] or ["    nothing: bool = True"]
    fields += [f"    # TODO: {one}, of a compound type" for one in missing]
    return _CAPABILITY.format(
        result=f"{name.title().replace('_', '')}Responses", fields="\n".join(fields),
        id=f"{_snake(command.feature)}.{_snake(command.name)}", simulated=server.kind.startswith("Simulated"),
        name=name, takes="".join(f"    {_snake(one.name)}: {_typed(one)},{_unit(one)}\n" for one in plain),
        about=in_docstring(command.about), device=server.device, feature=command.feature, command=command.name,
        given="".join(f", {one}" for one in given), todo=f"  # TODO: {', '.join(rest)}" if rest else "",
        returned=", ".join(f"{_snake(one.name)}=found.{one.name}" for one in read),
    )  # fmt: skip


def _typed(one: SilaElement) -> str:
    python = _PYTHON[one.basic]
    if one.basic not in ("Real", "Integer"):
        return python
    bounds = [f", {word}={int(end) if one.basic == 'Integer' else end!r}" for word, end in one.bounds.items()]
    return f'Annotated[{python}, quantity("1"{"".join(bounds)})]'


def _unit(one: SilaElement) -> str:
    if one.basic not in ("Real", "Integer"):
        return ""
    return f"  # TODO: its unit in UCUM; the server says {one_line(one.unit or one.about)}"


def _snake(name: str) -> str:
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|\W+", "_", name).lower()
    return f"{plain}_" if keyword.iskeyword(plain) or plain == "context" else plain


_HEAD: Final = '''"""Drafted from what the servers say. Edit every TODO, then: yosegi capability check THIS_MODULE"""

from dataclasses import dataclass
from typing import Annotated

from yosegi.core.capability import Context, capability, quantity
'''

_CAPABILITY: Final = '''

@dataclass(frozen=True)
class {result}:
    """What the command answers."""

{fields}


@capability(
    "{id}@1", kind="robot", effect="consuming", field="instruments", simulated={simulated}, time_limit=600
)
def {name}(
{takes}    context: Context,
) -> {result}:
    """{about}"""
    from yosegi_packs.devices.sila import SilaDevice

    with SilaDevice("{device}", context, simulated={simulated}) as device:
        found = device.call("{feature}", "{command}"{given}){todo}
        return {result}({returned})
'''
