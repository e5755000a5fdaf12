"""What a site's settings say of it to callers of the facility API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request


@dataclass(frozen=True, slots=True)
class FacilityProfile:
    """The institution as it presents itself.

    Args:
        url: the address under which this face is reached from outside, its prefix included; empty to use the address
            that each caller used.
        purpose: the purpose of a job that names none.
        organization: who operates it.
        support_uri: where people find help.
        country: in words.
        locality: city or place.
    """

    url: str = ""
    purpose: str = "research"
    organization: str = ""
    support_uri: str = ""
    country: str = ""
    locality: str = ""


async def profile_of(request: Request) -> FacilityProfile:
    """The profile that this face was made with."""
    profile: FacilityProfile = request.app.state.profile
    return profile


About = Annotated[FacilityProfile, Depends(profile_of)]
