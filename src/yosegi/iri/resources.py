"""Resources: each capability that this site publishes, and its store of objects."""

from __future__ import annotations

from collections.abc import Mapping

from yosegi.core.amounts import Unit
from yosegi.core.contract import Contract
from yosegi.core.errors import NotFound
from yosegi.iri.calls import Addresses
from yosegi.iri.schemas import IriResource, Status
from yosegi.services.capabilities.service import PUBLISHED
from yosegi.services.incidents.service import condition
from yosegi.services.runtime import Site

OBJECTS = "objects"
"""The store of objects; every capability's name has an `@` in it, and this has none."""
COMPUTE = "urn:doe-iri:resource:compute"
SERVICE = "urn:doe-iri:resource:service"
STORAGE = "urn:doe-iri:resource:storage:object"
UNKNOWN = "urn:doe-iri:resource:unknown"
"""Instruments and robots: the facility API has no type for them yet, and no authority has named one."""
TYPES: Mapping[str, str] = {
    "simulation": COMPUTE,
    "training": COMPUTE,
    "analysis": COMPUTE,
    "data": SERVICE,
    "model": SERVICE,
    "instrument": UNKNOWN,
    "robot": UNKNOWN,
}
UNITS: Mapping[str, str] = {"node_h": "urn:doe-iri:allocation:compute:node-hours"}
"""Units that the facility API knows; others stand under `attributes`."""


def resource_ids(site: Site) -> list[str]:
    """Every resource of this site."""
    return [*site.repository.published, OBJECTS]


def check_resource(site: Site, name: str) -> None:
    """See that there is such a resource.

    Raises:
        NotFound: there is none.
    """
    if name not in site.repository.published and name != OBJECTS:
        raise NotFound("resource", name)


def check_compute(site: Site, name: str) -> None:
    """See that there is such a resource, and that it takes jobs.

    Raises:
        NotFound: there is none.
    """
    if name not in site.repository.published:
        raise NotFound("compute resource", name)


def check_store(name: str) -> None:
    """See that a resource holds files.

    Raises:
        NotFound: there is none, or it does not.
    """
    if name != OBJECTS:
        raise NotFound("storage resource", name)


def resources(site: Site, at: Addresses) -> list[IriResource]:
    """Every resource, with what it is in now."""
    incidents, found = site.incidents.listing(), []
    for name, one in site.repository.published.items():
        mine = [incident for incident in incidents if name in incident.capabilities]
        changed = max([_published(site, name), *(incident.changed for incident in mine)])
        found.append(_capability(site, at, name, one.contract, condition(mine), changed))
    return [*found, _store(site, at)]


def resource(site: Site, at: Addresses, name: str) -> IriResource:
    """One resource.

    Raises:
        NotFound: there is none.
    """
    check_resource(site, name)
    return next(one for one in resources(site, at) if one.id == name)


def _capability(site: Site, at: Addresses, name: str, contract: Contract, status: Status, changed: str) -> IriResource:
    uri = at("status", "resources", name)
    units = [unit for unit in Unit if contract.cost[unit]]
    return IriResource(
        id=name, name=name, description=contract.title, group=contract.field or None, current_status=status,
        resource_type=TYPES[contract.kind], supported_endpoints=["compute"], last_modified=changed, self_uri=uri,
        site_uri=at("facility", "sites", site.name),
        capability_uris=[at("account", "capabilities", str(unit)) for unit in units],
        attributes={
            "capability": f"{site.name}/{name}", "contract": contract.digest, "kind": contract.kind,
            "effect": str(contract.effect), "simulated": contract.simulated, "time_limit": contract.time_limit,
            "approval": contract.approval, "cost": contract.cost.decimals(), "inputs": contract.inputs,
            "outputs": contract.outputs,
        },
        links={"self": {"href": uri}, "iri:located-at": {"href": at("facility", "sites", site.name)}},
    )  # fmt: skip


def _store(site: Site, at: Addresses) -> IriResource:
    uri = at("status", "resources", OBJECTS)
    return IriResource(
        id=OBJECTS, name=OBJECTS, description="Objects named by their digests: listed, read and brought, never changed",
        group="data", current_status="up", resource_type=STORAGE, supported_endpoints=["filesystem"],
        last_modified=site.ledger.entry(0).time, self_uri=uri, site_uri=at("facility", "sites", site.name),
        capability_uris=[],
        links={"self": {"href": uri}, "iri:located-at": {"href": at("facility", "sites", site.name)}},
    )  # fmt: skip


def _published(site: Site, name: str) -> str:
    entries = [entry for entry in site.ledger.read(f"capability/{name}") if entry.type == PUBLISHED]
    return entries[-1].time if entries else site.ledger.entry(0).time
