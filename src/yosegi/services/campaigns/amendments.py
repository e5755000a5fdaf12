"""What people do to a campaign that runs or has ended: bring measurements, ask for points or take them back, extend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from yosegi.campaign import BadCampaign, Campaign, Campaigns, CampaignSpec
from yosegi.campaign import amendments as entries
from yosegi.campaign.measurements import MOST_ROWS, MeasuredRow, Measurements, notes_on, rows_of
from yosegi.campaign.spec_check import findings_against
from yosegi.campaign.spec_text import text_of_spec
from yosegi.campaign.tables import read_table
from yosegi.core.amounts import Amounts
from yosegi.core.clock import Clock
from yosegi.core.contract import Contract
from yosegi.core.errors import Invalid, NotFound, Refused
from yosegi.identity.accounts import Session
from yosegi.identity.authentication import Authenticator
from yosegi.services.authorization.roles import check_person
from yosegi.services.authorization.service import Authorizer
from yosegi.services.campaigns.schemas import CampaignDetail, CampaignFileText, MeasurementsAdded
from yosegi.services.campaigns.start_check import right_findings
from yosegi.services.campaigns.summary import detail_of
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import PublicKey, by_id


@dataclass
class AmendmentService:
    """Changes to the campaigns of one home site, by people alone: an agent's way to act is its proposals.

    Args:
        authenticator: knows the keys with which people sign what they bring.
    """

    site: str
    engine: Campaigns
    authorizer: Authorizer
    authenticator: Authenticator
    clock: Clock

    # -- measurements -------------------------------------------------------------------------------------------------

    async def add(self, name: str, envelope: Envelope, who: Session) -> MeasurementsAdded:
        """Take measurements that somebody has signed with their own key.

        Raises:
            NotFound: no such campaign, or one of another team.
            Refused: brought by an agent, in somebody else's name, or signed with a key that is not the person's.
            Invalid, Conflict: they do not fit the campaign, or it has them already.
        """
        what, campaign = f"measurements for campaign {name}", self._seen(name, who)
        account = self.authenticator.accounts.get(who.person)
        keys = tuple(account.keys) if account is not None else ()
        try:
            brought = Measurements.open(envelope, by_id(keys), now=self.clock.now(), charter=campaign.spec.charter)
        except Untrusted as error:
            raise Refused(what, (error.reason,)) from None
        if brought.person != who.person or brought.campaign != name:
            raise Refused(what, ("not_on_behalf_of_others",))
        return await self._add(brought, envelope, who, keys)

    async def add_unsigned(
        self, name: str, rows: tuple[MeasuredRow, ...], source: str, file: str, who: Session
    ) -> MeasurementsAdded:
        """Take measurements from somebody who is signed in and holds no key here; this site's ledger answers for whom.

        Raises:
            NotFound, Refused, Invalid, Conflict: as `add`.
        """
        campaign, now = self._seen(name, who), self.clock.now()
        brought = Measurements.stated(
            "the measurements",
            charter=campaign.spec.charter,
            campaign=name,
            person=who.person,
            source=source or campaign.spec.source[0].name,
            rows=rows,
            file=file[:200],
            issued=now,
            not_after=now + timedelta(minutes=10),
        )
        return await self._add(brought, None, who)

    async def add_table(self, name: str, text: str, source: str, file: str, who: Session) -> MeasurementsAdded:
        """The same from a CSV table: a column a parameter and outcome, `state` for failed rows."""
        return await self.add_unsigned(name, self.rows(name, text, file, who), source, file, who)

    def rows(self, name: str, text: str, file: str, who: Session) -> tuple[MeasuredRow, ...]:
        """The measurements in a CSV table, as whoever signs them reads them first; nothing is changed.

        Raises:
            NotFound: no such campaign, or one of another team.
            Invalid: it is no table of this campaign's points; names the line.
        """
        found = rows_of(self._seen(name, who).spec, read_table(text, file or "the table"))
        if not 1 <= len(found) <= MOST_ROWS:
            raise Invalid(file or "the table", f"has {len(found)} rows, and 1 to {MOST_ROWS} are taken at once")
        return found

    async def _add(
        self, brought: Measurements, envelope: Envelope | None, who: Session, keys: tuple[PublicKey, ...] = ()
    ) -> MeasurementsAdded:
        check_person(who, f"measurements for campaign {brought.campaign}")
        before = self.engine.get(brought.campaign)
        after = await self.engine.record(
            brought.campaign, lambda campaign: entries.added(campaign, brought, envelope, keys), who.person
        )
        return MeasurementsAdded(
            campaign=brought.campaign,
            source=brought.source,
            first=len(before.trials) + 1,
            count=after.imported - before.imported,
            failed=sum(row.state != "completed" for row in brought.rows),
            by=brought.person,
            signed=envelope is not None,
            notes=tuple(notes_on(after.spec, brought.rows)),
        )

    # -- points -------------------------------------------------------------------------------------------------------

    async def want(
        self, name: str, values: Mapping[str, Any], who: Session, source: str = "", candidate: str = "", why: str = ""
    ) -> CampaignDetail:
        """Have a point of one's own measured; it takes a place and is paid for as any other.

        Raises:
            NotFound: no such campaign, or one of another team.
            Refused: by somebody else than the member on whose behalf the campaign runs.
            Invalid, Conflict: it is no point of the space, or the campaign does not run.
        """
        self._of_member(name, who, "asking for a point of")
        return self._shown(
            await self.engine.record(
                name,
                lambda campaign: entries.wanted(
                    campaign, source or campaign.spec.source[0].name, values, candidate, why, who.person
                ),
                who.person,
            )
        )

    async def withdraw(self, name: str, trial: int, why: str, who: Session, *, skip: bool = False) -> CampaignDetail:
        """Take a trial back, as far as its owner can; `skip` has its point never asked of that source again.

        Raises:
            NotFound: no such campaign, or one of another team.
            Refused: by an agent; or skipped by somebody else than the member on whose behalf the campaign runs.
            Invalid, Conflict: no reason is given, or the trial is over.
        """
        what = f"taking back a trial of campaign {name}"
        self._seen(name, who)
        check_person(who, what)
        if skip:
            self._of_member(name, who, "skipping a point of")
        return self._shown(
            await self.engine.record(
                name,
                lambda campaign: entries.withdrawn(campaign, trial, skip=skip, why=why, by=who.person),
                who.person,
            )
        )

    # -- bounds -------------------------------------------------------------------------------------------------------

    async def extend(self, name: str, changes: Mapping[str, Any], why: str, who: Session) -> CampaignDetail:
        """Give a campaign another budget, stop rule, parallel, conduct or space; one that has ended goes on.

        Raises:
            NotFound: no such campaign, or one of another team.
            Refused: by somebody else than the member on whose behalf it runs.
            BadCampaign: it could not be started so.
            Invalid, Conflict: it changes what is asked, or would end at once.
        """
        self._of_member(name, who, "extending")
        if isinstance(budget := changes.get("budget"), Mapping):
            amounts = {unit: Amounts.parse({unit: str(amount)})[unit] for unit, amount in budget.items()}
            changes = {**changes, "budget": amounts}
        return self._shown(await self.engine.extend(name, changes, who.person, why, self._check))

    def _check(self, spec: CampaignSpec, contracts: Mapping[str, Contract]) -> None:
        findings = [*findings_against(spec, contracts), *right_findings(spec, contracts, self.authorizer, "")]
        if findings:
            raise BadCampaign(f"campaign {spec.name}", findings)

    def file(self, name: str, who: Session, other: str = "") -> CampaignFileText:
        """The campaign's file and tables, under its own or another name: to clone it, or to see what was asked.

        Raises:
            NotFound: no such campaign, or one of another team.
        """
        text, files = text_of_spec(self._seen(name, who).spec, other)
        return CampaignFileText(name=other or name, text=text, files=files)

    # -- who ----------------------------------------------------------------------------------------------------------

    def _seen(self, name: str, who: Session) -> Campaign:
        found = self.engine.get(name)
        if not self.authorizer.may_see(found.spec.charter, found.spec.team, who):
            raise NotFound("campaign", name)
        return found

    def _of_member(self, name: str, who: Session, what: str) -> None:
        campaign = self._seen(name, who)
        check_person(who, f"{what} campaign {name}")
        if campaign.spec.on_behalf_of != who.person:
            raise Refused(f"{what} campaign {name}", ("not_on_behalf_of_others",))

    def _shown(self, campaign: Campaign) -> CampaignDetail:
        return detail_of(campaign, self.engine.last_error(campaign.spec.name))
