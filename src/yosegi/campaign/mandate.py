"""The mandate that a member gives a campaign by starting it: what its file asks for, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic import ValidationError

from yosegi.campaign.spec import CampaignSpec
from yosegi.core.contract import Conduct, Contract, strictest
from yosegi.core.errors import Invalid
from yosegi.core.field_faults import first_fault
from yosegi.core.identifiers import home_of
from yosegi.governance.mandates.mandate import Mandate, Right

LIFE = timedelta(days=90)
HOW_FAR: tuple[Conduct, ...] = ("suggest", "approve", "run")


def mandate_of(
    spec: CampaignSpec, contracts: Mapping[str, Contract], conduct: Conduct, number: int, now: datetime, site: str
) -> Mandate:
    """A campaign's own mandate.

    Args:
        spec: what is asked.
        contracts: of the capabilities it names.
        conduct: how far it goes.
        number: which mandate of this campaign it is; another is given when it is resumed after one is over.
        now: when it begins; it ends after 90 days.
        site: the home site, which gives it.

    Raises:
        Invalid: the file's purpose is none that an agreement could name.
    """
    institution = home_of(spec.on_behalf_of)
    try:
        right = Right(
            capabilities=spec.capabilities(),
            purposes=(spec.purpose,),
            conduct=HOW_FAR[: HOW_FAR.index(conduct) + 1],
            highest_sensitivity=strictest("team", *(contract.sensitivity for contract in contracts.values())),
            budget=spec.budget,
            bounded=False,
        )
        return Mandate(
            charter=spec.charter,
            id=f"{spec.name[:110]}.m{number}",
            home=site,
            institution=None if institution == site else institution,
            person=spec.on_behalf_of,
            team=spec.team,
            campaign=spec.name,
            right=right,
            issued=now,
            not_after=now + LIFE,
        )
    except ValidationError as error:
        raise Invalid(f"campaign {spec.name}", str(first_fault(error)), "name a purpose of the agreement") from None
