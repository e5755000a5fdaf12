"""The closed loop: fold, decide, do, record, and wait for news. Dies at any moment and takes up where the ledger is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from yosegi.campaign import state as types
from yosegi.campaign.agent_points import ADVISED, THOUGHT, AdvisedPoint, ModelUse
from yosegi.campaign.amendments import extended
from yosegi.campaign.asking import StepRequests
from yosegi.campaign.decide import (
    Action,
    EndTrial,
    MakeAgain,
    MoveCampaignTo,
    OpenBreaker,
    Propose,
    RequestStep,
    Withdraw,
    decide,
    enough,
    out_of_budget,
)
from yosegi.campaign.entries import answer, draft_of, is_news
from yosegi.campaign.events import PointsWanted
from yosegi.campaign.folding import fold
from yosegi.campaign.mixing import check_advice, mixed, step_seed
from yosegi.campaign.own_mandates import CampaignMandates, mandate_in
from yosegi.campaign.planning import Compute, check_planning, in_thread, is_still_wanted
from yosegi.campaign.proposers import version_of
from yosegi.campaign.shipping import AskShipment, due_at
from yosegi.campaign.spec import CampaignSpec
from yosegi.campaign.spec_check import check_against, taken_over
from yosegi.campaign.state import Campaign, campaign_stream
from yosegi.core.contract import Conduct, Contract
from yosegi.core.errors import Conflict, Corrupt, NotFound, Refused, YosegiError
from yosegi.core.events import Events
from yosegi.core.states import CampaignState, may_follow
from yosegi.core.supervision import TaskScope
from yosegi.exchange.requests import Asked, Requests
from yosegi.governance.agreements.label import Label
from yosegi.ledger import Draft, Entry, Ledger, Overtaken, Write
from yosegi.planner import versions

MOST_TRIES = 8
"""How often a decision is made of a campaign that moves on meanwhile."""
Decided = tuple[Sequence[Draft], Sequence[Write]]
"""Entries for a campaign's stream, and what is recorded with them."""


@dataclass
class Campaigns:
    """All campaigns of one home site.

    Args:
        asking: what its steps ask of owners.
        mandates: under which they act.
        contract_of: the contract of a capability as last offered to this site; raises NotFound.
        events: told `PointsWanted`.
    """

    site: str
    ledger: Ledger
    requests: Requests
    asking: StepRequests
    mandates: CampaignMandates
    contract_of: Callable[[str, str], Contract]
    scope: TaskScope
    events: Events
    compute: Compute = in_thread
    _alarms: dict[str, datetime] = field(default_factory=dict)
    """When a campaign is woken next because a sample will have waited long enough."""
    _asked_agent: dict[str, float] = field(default_factory=dict)
    """When the agent of a campaign was told that places are free, in monotonic seconds."""
    _folds: dict[str, Campaign] = field(default_factory=dict)
    _wakes: dict[str, asyncio.Event] = field(default_factory=dict)
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)

    # -- life -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Take up every campaign that is not over; one that cannot be read keeps no other, and its loop says why."""
        over = {
            campaign.spec.name
            for campaign in self.readable()
            if campaign.state.final and not campaign.under_way() and not self.mandates.own(campaign)
        }
        for name in self.names():
            if name not in over:
                self._run(name)

    async def close(self) -> None:
        """Stop every loop; nothing is lost."""
        await self.scope.close()

    def last_error(self, name: str) -> str:
        """Why a campaign does not go on, for now; empty if it does."""
        return self.scope.last_error(name)

    def names(self) -> list[str]:
        """Every campaign of this site."""
        return [stream.split("/", 1)[1] for stream in self.ledger.streams("campaign/")]

    def forget(self, name: str) -> None:
        """Fold a campaign anew: bodies of its entries were erased."""
        self._folds.pop(name, None)

    def get(self, name: str) -> Campaign:
        """The campaign as it stands.

        Raises:
            NotFound: none of that name here.
            Corrupt: its entries make no campaign: its file was erased, or is none to this version of the program.
        """
        known = self._folds.get(name)
        try:
            entries = self.ledger.read(campaign_stream(name), 0 if known is None else known.position)
            found = fold(entries, known)
        except YosegiError:
            raise
        except Exception as error:
            why = f"its entries cannot be followed: {type(error).__name__}: {error}"
            raise Corrupt(f"campaign {name}", why, "the other campaigns of this site go on") from error
        if found is None:
            raise NotFound("campaign", name, tuple(self.names()[:8]))
        self._folds[name] = found
        return found

    def readable(self) -> Iterator[Campaign]:
        """Every campaign of this site but those that cannot be read any more; `get` says why those cannot."""
        for name in self.names():
            with contextlib.suppress(YosegiError):
                yield self.get(name)

    async def begin(self, spec: CampaignSpec, by: str, mandate: str = "", learned: Label | None = None) -> Campaign:
        """Check a campaign against the contracts it names, record it, and set it going.

        Args:
            spec: what is asked.
            by: who starts it.
            mandate: under which it acts; if none is named, the member gives it one by starting it.
            learned: the label of what it knows from earlier campaigns.

        Raises:
            Invalid, NotFound: as `check_against`, or a planner of no such name; nothing was recorded.
            Conflict: there is a campaign of that name already.
        """
        contracts = {ref: self.contract_of(spec.charter, ref) for ref in spec.capabilities()}
        check_against(spec, contracts)
        self.asking.check_objects(spec, contracts)
        spec = taken_over(spec, contracts)
        check_planning(spec)
        body = {
            "spec": spec.record(),
            "contracts": {ref: c.model_dump(mode="json", exclude_none=True) for ref, c in contracts.items()},
        }
        if learned is not None and learned != Label():
            body["learned"] = learned.model_dump(mode="json")
        given: tuple[Write, ...] = ()
        if not mandate:
            own = self.mandates.first(spec, contracts, by)
            mandate, given = mandate_in(own), (own,)
        facts = {"team": spec.team, "title": spec.title, "state": str(CampaignState.RUNNING), "mandate": mandate}
        write = Write(
            campaign_stream(spec.name),
            0,
            (Draft(types.STARTED, facts, body),),
            charter=spec.charter,
            actor=by,
            on_behalf_of=spec.on_behalf_of,
        )
        try:
            await self.ledger.append(write, *given)
        except Conflict:
            raise Conflict(f"campaign {spec.name}", "exists already", "choose another name") from None
        self._run(spec.name)
        return self.get(spec.name)

    async def move(
        self, name: str, state: CampaignState, by: str, why: str, conduct: Conduct | None = None
    ) -> Campaign:
        """Hold, resume (perhaps with another conduct), safely stop or abort.

        Raises:
            Conflict: the campaign is in no state from which this follows.
        """

        def decided(campaign: Campaign) -> Decided:
            if not may_follow(campaign.state, state):
                raise Conflict(
                    f"campaign {name}", f"is {campaign.state} and cannot become {state}", "nothing was changed"
                )
            if campaign.state is CampaignState.ENDED and (why_not := enough(campaign) or out_of_budget(campaign)):
                raise Conflict(f"campaign {name}", f"has ended ({why_not})", "extend it: yosegi campaign extend")
            facts = {"state": str(state), "by": by} | ({"conduct": conduct} if conduct else {})
            renewed = self.mandates.renewed(campaign, by, conduct) if state is CampaignState.RUNNING else None
            if renewed is not None:
                facts["mandate"] = mandate_in(renewed)
            return [Draft(types.MOVED, facts, {"why": why})], () if renewed is None else (renewed,)

        await self._record(name, decided, by)
        self._run(name)
        return self.get(name)

    async def _record(self, name: str, decide: Callable[[Campaign], Decided], by: str) -> None:
        """Record what somebody decides of a campaign as it is, again if an owner's word came in meanwhile.

        Args:
            name: of the campaign.
            decide: gives the entries, and what is recorded with them; raises where it may not be done.
            by: who decides.

        Raises:
            Conflict: it moves on faster than anything can be decided of it.
        """
        async with self._lock(name):
            for left in reversed(range(MOST_TRIES)):
                campaign = self.get(name)
                drafts, others = decide(campaign)
                if not drafts:
                    return  # it was recorded meanwhile
                try:
                    await self._append(campaign, *drafts, requests=others, actor=by)
                    return
                except Overtaken:
                    if not left:
                        raise

    async def record(self, name: str, make: Callable[[Campaign], Draft], by: str) -> Campaign:
        """Record what somebody does to a campaign, and wake it.

        Args:
            name: of the campaign.
            make: gives the entry from the campaign as it is; raises where it may not be done.
            by: who does it.
        """
        await self._record(name, lambda campaign: ([make(campaign)], ()), by)
        self._run(name)
        return self.get(name)

    async def extend(
        self,
        name: str,
        changes: Mapping[str, Any],
        by: str,
        why: str,
        check: Callable[[CampaignSpec, Mapping[str, Contract]], None],
    ) -> Campaign:
        """Give a campaign other bounds, under a new mandate of its member; one that has ended goes on.

        Args:
            name: of the campaign.
            changes: fields of its file, as `amendments.extended` takes them.
            by: who extends it: the member on whose behalf it runs.
            why: for the record.
            check: raises if the campaign could not be started so.

        Raises:
            Refused: somebody else extends it.
            Invalid, Conflict: as `amendments.extended`; or the campaign has enough all the same.
        """

        def decided(campaign: Campaign) -> Decided:
            if by != campaign.spec.on_behalf_of:
                raise Refused(f"extending campaign {name}", ("not_on_behalf_of_others",))
            spec, draft = extended(campaign, changes, why)
            check(spec, campaign.contracts)
            check_planning(spec)
            given = self.mandates.another(campaign, spec, by, spec.conduct)
            drafts = [replace(draft, facts={"mandate": mandate_in(given)})]
            if campaign.state is CampaignState.ENDED:
                wider = replace(campaign, spec=spec, exhausted=False)
                if why_not := enough(wider) or out_of_budget(wider):
                    raise Conflict(f"campaign {name}", f"would end at once ({why_not})", "extend it further")
                drafts.append(Draft(types.MOVED, {"state": str(CampaignState.RUNNING)}, {"why": why or "extended"}))
            return drafts, (given,)

        await self._record(name, decided, by)
        self._run(name)
        return self.get(name)

    def wake_all(self) -> None:
        """A mandate may be over: wake every campaign."""
        for wake in self._wakes.values():
            wake.set()

    async def register_outcome(self, name: str, kind: str, title: str, link: str, by: str) -> None:
        """Record what came of a campaign: a paper, data set, model or answered question."""
        draft = Draft(types.OUTCOME, {"kind": kind}, {"title": title, "link": link})
        await self._record(name, lambda _: ([draft], ()), by)

    def consequences(self, asked: Asked) -> tuple[Write, ...]:
        """What an owner's word on a request means for the campaign that made it: its step's answer.

        It is recorded in the commit that records the word, so that neither stands without the other.
        """
        if asked.request is None or asked.request.campaign is None:
            return ()
        try:
            campaign = self.get(asked.request.campaign)
        except YosegiError:
            return ()  # it cannot be folded, as its loop says; the owner's word is recorded all the same
        for trial in campaign.open_trials():
            for step in trial.steps[-1:]:
                if (step.owner, step.key) == (asked.request.to, asked.request.key) and is_news(step, asked):
                    return (self._write(campaign, answer(trial.number, step.key, asked)),)
        return ()

    def reported(self, asked: Asked) -> None:
        """A request's state has moved: wake its campaign."""
        if asked.request is not None and asked.request.campaign is not None:
            self._wake(asked.request.campaign).set()

    # -- the loop -------------------------------------------------------------------------------------------------

    def _run(self, name: str) -> None:
        self._wake(name).set()
        if self.scope.is_running(name):
            self.scope.hurry(name)
        else:
            self.scope.repeat(name, partial(self._round, name))

    async def _round(self, name: str) -> bool:
        """Wait for news, then fold and decide; whether the campaign is not over yet.

        Where it fails (the disk is full, this site's clock is off, an owner is gone), the next round folds and decides
        again.
        """
        wake = self._wake(name)
        await wake.wait()
        wake.clear()
        try:
            try:
                moved = await self._step(name)
            except Conflict:
                moved = await self._step(name)  # a report or a person was faster: fold and decide again
        except BaseException:
            wake.set()
            raise
        if moved:
            wake.set()
        campaign = self.get(name)
        if moved or not campaign.state.final or campaign.tally.open:
            return True
        await self.mandates.end(campaign)
        return False

    async def _step(self, name: str) -> bool:
        """Learn what was reported, then do what is due, and then plan. Whether anything moved."""
        async with self._lock(name):
            campaign = self.get(name)
            if await self._learn(campaign):
                return True
            under = campaign.mandate if campaign.state is CampaignState.RUNNING else ""
            if under and (over := self.mandates.delegation.over(under)):
                return await self._do(campaign, [MoveCampaignTo(CampaignState.HELD, over.en)])
            actions = decide(campaign, self.requests.clock.now())
            planning = [action for action in actions if isinstance(action, Propose)]
            others = [a for a in actions if not isinstance(a, Propose) and not self._is_asked_back(a)]
            if others:
                return await self._do(campaign, others)
            self._wake_for_samples(campaign)
        for action in planning:
            if self._awaits_agent(campaign, action.count):
                return False
            await self._propose(campaign, action)
        return bool(planning)

    def _wake_for_samples(self, campaign: Campaign) -> None:
        """Have a campaign look again when the sample that gathers longest has waited long enough for others."""
        name, clock = campaign.spec.name, self.requests.clock
        at = due_at(campaign) if campaign.tally.open else None
        if at is None or self._alarms.get(name) == at:
            return
        self._alarms[name] = at

        async def wake_later() -> None:
            await clock.sleep(max(0.0, (at - clock.now()).total_seconds()) + 0.001)
            self._wake(name).set()

        self.scope.spawn(f"{name} waits for samples until {at}", wake_later)

    def _awaits_agent(self, campaign: Campaign, count: int) -> bool:
        """Whether free places wait for an agent's points; it is told so once, and not waited for beyond its time."""
        name, terms = campaign.spec.name, campaign.spec.agent
        turns = count if terms is None or terms.mix != "alternate" else (count + 1) // 2
        if terms is None or len(campaign.waiting) >= turns:
            self._asked_agent.pop(name, None)
            return False
        now, clock = self.requests.clock.monotonic(), self.requests.clock
        since = self._asked_agent.setdefault(name, now)
        left = terms.wait - (now - since)
        if left <= 0:
            self._asked_agent.pop(name, None)
            return False
        if since == now:
            self.events.publish(PointsWanted(name, count))

            async def wake_later() -> None:
                await clock.sleep(left + 0.001)
                self._wake(name).set()

            self.scope.spawn(f"{name} waits for its agent", wake_later)
        return True

    async def advise(
        self, name: str, points: Sequence[AdvisedPoint], use: ModelUse, *, agent: str, mandate: str, by: str,
        prompt: str = "", answer: str = "",
    ) -> Campaign:  # fmt: skip
        """Put an agent's points on record; they are measured as the campaign's rule says.

        Args:
            name: of the campaign.
            points: what is proposed.
            use: the model that proposed it, if one did, and what that took.
            agent: who proposes.
            mandate: under which mandate, if under one.
            by: on whose behalf.
            prompt: what the model was sent, where that is known here; it stands in the body, and may be erased.
            answer: what it gave, the same.

        Raises:
            Conflict: the campaign does not run, or its file lets no agent propose, or too many points wait.
            Invalid: a point that can be none of the campaign.
        """

        def decided(campaign: Campaign) -> Decided:
            check_advice(campaign, points)
            facts = {
                "agent": agent,
                "points": len(points),
                "model": use.model_dump(mode="json", exclude_none=True),
            } | ({"mandate": mandate} if mandate else {})
            body = {"points": [point.model_dump(mode="json", exclude_none=True) for point in points]}
            drafts = [Draft(ADVISED, facts, body)]
            if prompt or answer:
                digests = {"prompt": use.prompt or "", "answer": use.answer or ""}
                drafts.append(Draft(THOUGHT, digests, {"prompt": prompt, "answer": answer}))
            return drafts, ()

        await self._record(name, decided, by)
        self._wake(name).set()
        return self.get(name)

    async def note(self, name: str, text: str, *, by: str, agent: str) -> None:
        """Put a note on record with a campaign: words, which change nothing.

        Raises:
            NotFound: none of that name.
        """
        draft = Draft(types.NOTE, {"agent": agent} if agent else {}, {"text": text})
        await self._record(name, lambda _: ([draft], ()), by)

    async def _learn(self, campaign: Campaign) -> bool:
        """Copy what is known of open steps and not in the campaign's own stream yet.

        What owners report is there already (`consequences`); what this site's own policy refused is not.
        """
        drafts = []
        for trial in campaign.open_trials():
            for step in trial.steps[-1:]:
                if step.state.final:
                    continue
                asked = self.requests.get(step.owner, step.key)
                if is_news(step, asked):
                    drafts.append(answer(trial.number, step.key, asked))
        if drafts:
            await self._append(campaign, *drafts)
        return bool(drafts)

    async def _do(
        self,
        campaign: Campaign,
        actions: Sequence[RequestStep | AskShipment | EndTrial | MakeAgain | OpenBreaker | Withdraw | MoveCampaignTo],
    ) -> bool:
        drafts: list[Draft] = []
        requests: list[Write] = []
        acted = False
        for action in actions:
            if isinstance(action, RequestStep):
                draft, request = self.asking.ask(campaign, action)
                drafts.append(draft)
                requests.extend(request)
            elif isinstance(action, AskShipment):
                drafts.append(self.asking.ask_shipment(campaign, action))
            elif isinstance(action, Withdraw):
                acted |= await self._withdraw(campaign, action)
            else:
                drafts.append(draft_of(campaign, action))
        if drafts:
            await self._append(campaign, *drafts, requests=requests)
        return acted or bool(drafts)

    async def sample_moved(self, name: str, drafts: Callable[[Campaign], Sequence[Draft]], by: str) -> None:
        """Record what a site says of samples that it was asked to ship; where it is no news, nothing.

        Args:
            name: of the campaign.
            drafts: gives the entries from the campaign as it is; raises where it was not asked for them.
            by: the site that says it.
        """
        await self._record(name, lambda campaign: (drafts(campaign), ()), by)
        self._run(name)

    def _is_asked_back(self, action: Action) -> bool:
        if not isinstance(action, Withdraw):
            return False
        asked = self.requests.get(action.owner, action.key)
        return self.requests.cancel_was_asked(action.owner, action.key) or asked.state.final

    async def _withdraw(self, campaign: Campaign, action: Withdraw) -> bool:
        why = campaign.trial(action.trial).taken_back or "the campaign was aborted"
        await self.requests.cancel(action.owner, action.key, why, campaign.spec.on_behalf_of)
        return True

    async def _propose(self, campaign: Campaign, action: Propose) -> None:
        """Plan from the campaign as it is now, and record that. Nobody waits for it who reports or stops meanwhile.

        What was reported since is no reason to plan again: the entry says which position the planner saw. Proposals
        that are not wanted any more are dropped.
        """
        seed = step_seed(campaign.spec, campaign.position)
        found = await self.compute(partial(mixed, campaign, action.count, action.closed))
        facts = {"seen": campaign.position, "count": action.count, "seed": seed, "proposed": len(found.proposals)}
        body: dict[str, Any] = {
            "proposals": [proposal.as_dict() for proposal in found.proposals],
            "closed": sorted(action.closed),
            "planner": campaign.spec.planner,
            "versions": versions() | version_of(campaign.spec.planner),
        }
        if campaign.spec.agent is not None:
            body |= {"by": list(found.by), "declined": [list(one) for one in found.declined]}
        async with self._lock(campaign.spec.name):
            now = self.get(campaign.spec.name)
            if now.position == campaign.position or is_still_wanted(now, action):
                await self._append(now, Draft(types.PROPOSED, facts, body))

    async def _append(
        self, campaign: Campaign, *drafts: Draft, requests: Sequence[Write] = (), actor: str = ""
    ) -> list[Entry]:
        entries = await self.ledger.append(self._write(campaign, *drafts, actor=actor), *requests)
        self.requests.made(entries)
        return entries

    def _write(self, campaign: Campaign, *drafts: Draft, actor: str = "") -> Write:
        spec = campaign.spec
        return Write(
            campaign_stream(spec.name),
            campaign.position,
            drafts,
            charter=spec.charter,
            actor=actor or self.site,
            on_behalf_of=spec.on_behalf_of,
        )

    def _wake(self, name: str) -> asyncio.Event:
        return self._wakes.setdefault(name, asyncio.Event())

    def _lock(self, name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())
