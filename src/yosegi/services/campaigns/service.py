"""The campaigns of a home site, as people ask for them: begun under a mandate, moved, looked at and exported."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from yosegi.campaign import BadCampaign, Campaign, Campaigns, CampaignSpec, campaign_stream
from yosegi.campaign.agent_points import AdvisedPoint, Mixed, ModelUse
from yosegi.campaign.findings import located
from yosegi.campaign.mixing import mixed
from yosegi.campaign.spec_check import budget_notes, said_of_taken_over, worst_cost_of
from yosegi.campaign.spec_file import CampaignFile, parse_file
from yosegi.core.contract import Conduct
from yosegi.core.errors import Invalid, NotFound, Refused, sentence
from yosegi.core.fifo_cache import FifoCache
from yosegi.core.file_findings import FileFinding
from yosegi.core.identifiers import split_capability
from yosegi.core.reasons import explain
from yosegi.core.states import CampaignState
from yosegi.core.toml_lines import Lines
from yosegi.exchange import Channels
from yosegi.exchange.clock_watch import ClockWatch
from yosegi.identity.accounts import Session
from yosegi.planner import Expected, PlannerError
from yosegi.services.access.service import AccessLog
from yosegi.services.answer import JsonObject
from yosegi.services.authorization.roles import check_person
from yosegi.services.authorization.service import Authorizer
from yosegi.services.campaigns.answer import answer_of
from yosegi.services.campaigns.export import CampaignExporter
from yosegi.services.campaigns.file_check import CampaignChecker
from yosegi.services.campaigns.hypotheses import comparison_of
from yosegi.services.campaigns.schemas import (
    AgentComparison,
    CampaignAnswer,
    CampaignCheck,
    CampaignDetail,
    CampaignFinding,
    CampaignMoved,
    CampaignOverview,
    CampaignSummary,
    NoteTaken,
    PlannedPoint,
    PlannerSummary,
    TrialDetail,
)
from yosegi.services.campaigns.summary import detail_of, overview_of, summary_of, trial_of
from yosegi.services.delegation.service import MandateService

Answering = Callable[[Callable[[], CampaignAnswer]], Awaitable[CampaignAnswer]]
"""Runs what takes long beside the event loop, or on it."""
DEEPEST = 8
"""Campaigns of agents that follow one from another."""
MOST_AT_ONCE = 8
"""Campaigns under one agent's mandate that are not over."""


@dataclass
class CampaignService:
    """What people do with the campaigns of one home site, and what they may see of them.

    Args:
        compute: where answers are worked out.
    """

    site: str
    engine: Campaigns
    clocks: ClockWatch
    authorizer: Authorizer
    mandates: MandateService
    exporter: CampaignExporter
    access: AccessLog
    channels: Channels
    checker: CampaignChecker
    compute: Answering
    _answers: FifoCache[str, CampaignAnswer] = field(default_factory=lambda: FifoCache(32))

    # -- looking --------------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Every campaign of this home site."""
        return self.engine.names()

    def readable(self) -> Iterator[Campaign]:
        """Every campaign of this home site but those that cannot be read any more, which hide no other."""
        return self.engine.readable()

    def get(self, name: str) -> Campaign:
        """One campaign, whoever asks; what is shown to people goes through `get_for`.

        Raises:
            NotFound: none of that name.
        """
        return self.engine.get(name)

    def get_for(self, name: str, who: Session) -> Campaign:
        """One campaign, for somebody who may see it.

        Raises:
            NotFound: none of that name, or one of another team; which, is not said.
        """
        found = self.engine.get(name)
        if not self.authorizer.may_see(found.spec.charter, found.spec.team, who):
            raise NotFound("campaign", name)
        return found

    def show(self, name: str, who: Session) -> CampaignDetail:
        """One campaign with its trials, as it is shown to somebody.

        Raises:
            NotFound: none of that name, or one of another team.
        """
        return self._detail(self.get_for(name, who))

    def overview(self, name: str, who: Session) -> CampaignOverview:
        """One campaign without its trials: what it costs does not grow with them.

        Raises:
            NotFound: none of that name, or one of another team.
        """
        return overview_of(self.get_for(name, who))

    def trials(self, name: str, who: Session, after: int, most: int) -> tuple[TrialDetail, ...]:
        """Some trials of a campaign, in order.

        Args:
            name: of the campaign.
            who: who asks.
            after: the number of the trial before the first.
            most: how many.

        Raises:
            NotFound: none of that name, or one of another team.
        """
        campaign = self.get_for(name, who)
        last = min(after + most, len(campaign.trials))
        return tuple(trial_of(campaign, campaign.trials[number]) for number in range(after, last))

    def hypotheses(self, name: str, who: Session) -> AgentComparison:
        """What agents thought about a campaign, what came of it, and whether they did better than the planner.

        Raises:
            NotFound: none of that name, or one of another team.
        """
        campaign = self.get_for(name, who)
        return comparison_of(campaign, self.engine.ledger.read(campaign_stream(name)), self.site)

    async def planned(self, name: str, who: Session, count: int) -> PlannerSummary:
        """What the planner would measure next, and what it expects; nothing is asked or recorded.

        Raises:
            NotFound: none of that name, or one of another team.
        """
        campaign = self.get_for(name, who)
        try:
            found = await self.engine.compute(partial(mixed, campaign, count, campaign.open_breakers))
        except PlannerError:
            found = Mixed((), ())
        return PlannerSummary(
            campaign=name,
            planner=campaign.spec.planner,
            ended=len(campaign.ended_order),
            planned=tuple(
                PlannedPoint(
                    values=dict(one.values), source=one.source, reason=one.reason, expected=json_of(one.expected)
                )
                for one in found.proposals
            ),
        )

    async def advise(self, name: str, points: Sequence[AdvisedPoint], use: ModelUse, who: Session) -> AgentComparison:
        """Record an agent's points for a campaign that its own mandate would let it start.

        Raises:
            NotFound: none of that name, or one of another team.
            Refused: by a person, for another person's campaign, or beyond the agent's mandate.
            Conflict, Invalid: as `Campaigns.advise`.
        """
        spec, what = self.get_for(name, who).spec, f"proposing points for campaign {name}"
        if not who.agent:
            raise Refused(what, ("mandate_missing",))
        if spec.on_behalf_of != who.person:
            raise Refused(what, ("not_on_behalf_of_others",))
        if spec.agent is not None and spec.agent.name is not None:
            raise Refused(what, ("another_agent_proposes",))
        contracts = {ref: self.engine.contract_of(spec.charter, ref) for ref in spec.capabilities()}
        self.mandates.check_campaign(who.mandate, spec, contracts, who)
        await self.engine.advise(name, points, use, agent=who.agent, mandate=who.mandate, by=who.person)
        return self.hypotheses(name, who)

    async def note(self, name: str, text: str, who: Session) -> NoteTaken:
        """Put a note on record with a campaign that somebody may see.

        Raises:
            NotFound: none of that name, or one of another team.
        """
        self.get_for(name, who)
        await self.engine.note(name, text, by=who.person, agent=who.agent)
        return NoteTaken(campaign=name, position=self.engine.get(name).position)

    def _detail(self, campaign: Campaign) -> CampaignDetail:
        return detail_of(campaign, self.last_error(campaign.spec.name))

    def summaries(self, who: Session) -> tuple[CampaignSummary, ...]:
        """One line for every campaign that somebody may see."""
        return tuple(summary_of(campaign) for campaign in self.list_for(who))

    def list_for(self, who: Session) -> list[Campaign]:
        """Every campaign that somebody may see."""
        return [one for one in self.readable() if self.authorizer.may_see(one.spec.charter, one.spec.team, who)]

    def last_error(self, name: str) -> str:
        """Why a campaign stands: its last step could not be taken, or an owner it asks hears nothing of this site.

        Empty while it goes on, and once it is over.
        """
        return self.engine.last_error(name) or self._unheard(self.engine.get(name))

    def _unheard(self, campaign: Campaign) -> str:
        if campaign.state.final:
            return ""
        owners = {split_capability(ref)[0] for ref in campaign.spec.capabilities()}
        barred = sorted(c.peer for c in self.channels if c.suspended_there and c.peer in owners)
        return " ".join(explain("suspended_by_peer", peer=peer) for peer in barred)

    async def answer(self, name: str, who: Session) -> CampaignAnswer:
        """What a campaign has found, what its model learned, and what was gained; kept until something ends.

        Raises:
            NotFound: none of that name, or one of another team.
        """
        campaign = self.get_for(name, who)
        known = self._answers.get(name)
        if known is not None and known.position == campaign.position:
            return known
        entries = self.exporter.ledger.read(campaign_stream(name), campaign.position - 1)
        found = await self.compute(partial(answer_of, campaign, entries[0].hash))
        self._answers.put(name, found)
        return found

    async def export(self, name: str) -> bytes:
        """The whole campaign as a bundle that verifies offline, whoever asks.

        Raises:
            NotFound: none of that name.
        """
        return await self.exporter.export(self.get(name))

    async def export_for(self, name: str, who: Session) -> bytes:
        """The same, for somebody who may see it.

        Raises:
            NotFound: none of that name, or one of another team.
        """
        found = self.get_for(name, who)
        await self.access.exported("campaign", name, who)
        return await self.exporter.export(found)

    # -- acting ---------------------------------------------------------------------------------------------------

    def read_file(self, text: str, files: Mapping[str, str], who: Session) -> CampaignFile:
        """A campaign file that somebody brings.

        Raises:
            BadCampaign: it does not hold; what else is wrong with it is named, too, as far as it can be read.
            Invalid: it is not TOML.
        """
        try:
            return parse_file(text, files=files)
        except BadCampaign as error:
            raise self.checker.despite(error, who, lambda name: self.get_for(name, who)) from None

    def check_file(self, text: str, files: Mapping[str, str], who: Session, mandate: str = "") -> CampaignCheck:
        """What would be said of a campaign file that somebody starts: everything that is wrong; nothing is changed.

        Raises:
            Refused: as `start`.
        """
        try:
            file = self.read_file(text, files, who)
        except BadCampaign as error:
            return _bad("" if error.readable is None else error.readable.name, error.findings)
        except Invalid as error:
            found = re.search(r"line (\d+)", error.why)
            return _bad("", [FileFinding((), error.what, error.why, error.todo, int(found[1]) if found else 0)])
        return self.check(file.spec, who, file.lines, mandate)

    def check(self, spec: CampaignSpec, who: Session, lines: Lines | None = None, mandate: str = "") -> CampaignCheck:
        """The same of a specification.

        Raises:
            Refused: as `start`.
        """
        ready = self.checker.prepared(spec, who, lambda name: self.get_for(name, who))
        findings = [*ready.unknown, *self.checker.findings(ready, mandate or who.mandate)]
        if findings:
            return _bad(spec.name, located(findings, lines or {}), exists=spec.name in self.engine.names())
        return CampaignCheck(
            name=spec.name,
            findings=(),
            taken_over=said_of_taken_over(ready.spec, ready.contracts),
            cost=worst_cost_of(spec.source[0], ready.contracts).decimals(),
            exists=spec.name in self.engine.names(),
            notes=_told(located(budget_notes(ready.spec, ready.contracts), lines or {})),
        )

    async def start(
        self, spec: CampaignSpec, who: Session, mandate: str = "", lines: Lines | None = None
    ) -> CampaignDetail:
        """Begin a campaign on behalf of whom its file names, under a mandate; an agent's under its own.

        A member who names none gives the campaign one of its own by starting it.

        Args:
            spec: what is asked.
            who: starts it.
            mandate: under which it acts.
            lines: of the file it was read from, so that what is wrong is said with its line.

        Raises:
            BadCampaign: it names what is not known here, would have trials refused, or could not pay for one; all that
                is wrong is named.
            Refused: somebody else's name is in the file, or that of somebody this site does not vouch for, its team
                does not work on the challenge it names, or it asks for more than the mandate allows; an agent's that
                follow each other too deep, or are too many at once.
            Unavailable: this site's clock is off, and a mandate given by it would be of another time.
        """
        self.clocks.check_own()
        ready = self.checker.prepared(spec, who, lambda name: self.get_for(name, who))
        spec = ready.spec
        if ready.unknown:
            findings = [*ready.unknown, *self.checker.findings(ready, mandate)]
            raise BadCampaign(f"campaign {spec.name}", located(findings, lines or {}))
        if who.agent:
            self._check_chain(spec, who)
        mandate = mandate or who.mandate
        if mandate:
            self.mandates.check_campaign(mandate, spec, ready.contracts, who)
        if found := located(self.checker.findings(ready, mandate), lines or {}):
            raise BadCampaign(f"campaign {spec.name}", found)
        return self._detail(await self.engine.begin(spec, by=who.person, mandate=mandate, learned=ready.label))

    def _check_chain(self, spec: CampaignSpec, who: Session) -> None:
        """See that an agent's campaigns neither follow each other without end nor are too many at once.

        Raises:
            NotFound: it follows one that the agent may not see.
            Refused: `campaigns_too_deep` or `campaigns_too_many`.
        """
        depth, before = 0, spec.follows
        while before is not None:
            depth, before = depth + 1, self.get_for(before, who).spec.follows
            if depth > DEEPEST:
                raise Refused(f"campaign {spec.name}", ("campaigns_too_deep",))
        held = self.mandates.held_by(who)
        open_now = sum(one.mandate in held and not one.state.final for one in self.readable())
        if open_now >= MOST_AT_ONCE:
            raise Refused(f"campaign {spec.name}", ("campaigns_too_many",))

    def check_acts_for(self, campaign: Campaign, who: Session, what: str) -> None:
        """See that somebody may act for a campaign's team: its people may, and an agent under whose mandate it runs.

        Raises:
            Refused: somebody of no part of the team, or an agent for what does not run under its mandate.
        """
        spec = campaign.spec
        if not self.authorizer.in_team(spec.charter, spec.team, who.person):
            raise Refused(what, ("not_in_team",))
        if who.agent and not self.mandates.acts_under(campaign.mandate, who):
            raise Refused(what, ("not_under_own_mandate",))

    async def move(
        self, name: str, state: CampaignState, who: Session, why: str, conduct: Conduct | None = None
    ) -> CampaignDetail | CampaignMoved:
        """Hold, resume, safely stop or abort a campaign.

        Every person who is signed in may stop, and an agent what runs under its own mandate; what is shown is for those
        who may see the campaign.

        Raises:
            NotFound: none of that name; or to go on with, or further, one of another team.
            Refused: an agent resumes it, or stops what is not its own; or it is to go further than before and is
                somebody else's.
        """
        if who.agent and not self.mandates.acts_under(self.engine.get(name).mandate, who):
            raise Refused(f"moving campaign {name}", ("not_under_own_mandate",))
        if state is CampaignState.RUNNING:
            self.get_for(name, who)
            check_person(who, f"resuming campaign {name}")
        if conduct is not None and self.get_for(name, who).spec.on_behalf_of != who.person:
            raise Refused(f"changing how far campaign {name} goes", ("not_on_behalf_of_others",))
        why = why or f"asked by {who.person}"
        moved = await self.engine.move(name, state, by=who.person, why=why, conduct=conduct)
        if not self.authorizer.may_see(moved.spec.charter, moved.spec.team, who):
            return CampaignMoved(name=name, state=moved.state)
        return self._detail(moved)


def _bad(name: str, findings: Iterable[FileFinding], *, exists: bool = False) -> CampaignCheck:
    return CampaignCheck(name=name, findings=_told(findings), taken_over=(), cost={}, exists=exists)


def _told(findings: Iterable[FileFinding]) -> tuple[CampaignFinding, ...]:
    ordered = sorted(findings, key=lambda one: one.line)
    return tuple(
        CampaignFinding(line=one.line, where=one.where, why=one.why, todo=sentence(one.todo)) for one in ordered
    )


def json_of(expected: Expected) -> JsonObject:
    """What a planner expects, as JSON values."""
    return cast(JsonObject, expected.as_dict())
