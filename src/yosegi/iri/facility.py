"""The institution and its place; for everybody."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from yosegi.core.errors import NotFound
from yosegi.http.authentication import Here
from yosegi.iri.about import About, FacilityProfile
from yosegi.iri.calls import Addresses, At, Limit, Moment, Offset, Words, is_newer, not_modified, page
from yosegi.iri.calls import router as router_of
from yosegi.iri.resources import resource_ids
from yosegi.iri.schemas import IriFacility, IriSite
from yosegi.services.runtime import Site

router = router_of("facility")
Name = Annotated[str, Path(max_length=200)]


def founded(site: Site) -> str:
    """When this site's ledger begins, as RFC 3339."""
    return site.ledger.entry(0).time


@router.get("", operation_id="getFacility")
async def facility(site: Here, at: At, about: About, modified_since: Moment | None = None) -> IriFacility:
    """The institution behind this site."""
    if not is_newer(founded(site), modified_since):
        return not_modified()  # type: ignore[return-value]
    uri = at("facility")
    return IriFacility(
        id=site.name, name=site.title, short_name=site.name, description=f"{site.title}, a site of a Yosegi federation",
        organization_name=about.organization or site.title, support_uri=about.support_uri or None,
        last_modified=founded(site), self_uri=uri, site_uris=[at("facility", "sites", site.name)],
        links={"self": {"href": uri}},
    )  # fmt: skip


@router.get("/sites", operation_id="getSites")
async def places(
    site: Here,
    at: At,
    about: About,
    modified_since: Moment | None = None,
    name: Words | None = None,
    short_name: Words | None = None,
    offset: Offset = 0,
    limit: Limit = 100,
) -> list[IriSite]:
    """The places of the institution: one."""
    here = _place(site, at, about)
    fits = name in (None, here.name) and short_name in (None, here.short_name)
    return page([here] if fits and is_newer(here.last_modified, modified_since) else [], offset, limit)


@router.get("/sites/{site_id}", operation_id="getSite")
async def place(site_id: Name, site: Here, at: At, about: About, modified_since: Moment | None = None) -> IriSite:
    """One place."""
    if site_id != site.name:
        raise NotFound("site", site_id)
    here = _place(site, at, about)
    return here if is_newer(here.last_modified, modified_since) else not_modified()  # type: ignore[return-value]


def _place(site: Site, at: Addresses, about: FacilityProfile) -> IriSite:
    uri = at("facility", "sites", site.name)
    return IriSite(
        id=site.name, name=site.title, short_name=site.name, operating_organization=about.organization or site.title,
        country_name=about.country or None, locality_name=about.locality or None, last_modified=founded(site),
        self_uri=uri, resource_uris=[at("status", "resources", one) for one in resource_ids(site)],
        links={"self": {"href": uri}, "iri:located-in": {"href": at("facility")}},
    )  # fmt: skip
