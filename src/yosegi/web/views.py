"""What each page shows, cut into named parts, so that a stream can send the ones that changed and no others."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from yosegi.campaign import Campaign, Trial
from yosegi.core.errors import Refused
from yosegi.core.sanitize import plain
from yosegi.core.states import CampaignState, TaskState, TrialState, may_follow
from yosegi.governance.policy.explanation import explained
from yosegi.identity.accounts import Session
from yosegi.services.campaigns.schemas import AgentComparison, CampaignOverview, CampaignSummary
from yosegi.services.campaigns.summary import overview_of, summary_of, trial_of
from yosegi.services.runtime import Site
from yosegi.services.tasks.schemas import TaskDetail, TaskSummary
from yosegi.trust.explanation import Explanation
from yosegi.web.api.campaigns import MOVES
from yosegi.web.marks import mark_of, step_mark
from yosegi.web.plot import ValuedTrials, convergence
from yosegi.web.words import LANGUAGES, Words

LATEST = 40
"""Trials shown before somebody asks for all."""
PIXELS = 200
"""A plot is drawn again once there are so many values more that they show: one more of each 200."""
MOST_STAY = 100
"""Trials that went wrong and stay shown beside the latest ones."""
_STAY = {TrialState.REFUSED, TrialState.UNCERTAIN, TrialState.FAILED}


_STOPS = (("hold", ("",)), ("stop", ("", "hold")), ("abort", ("", "hold", "safe_stop")))
"""Each word that stops a site, and the levels at which it changes anything."""


def moves_of(state: CampaignState) -> list[str]:
    """The words that move a campaign from where it stands; one that is over is extended, with a form of its own."""
    if state.final:
        return []
    return [word for word, after in MOVES.items() if may_follow(state, after)]


@cache
def environment() -> Environment:
    """The templates. Everything is escaped; a name that nobody gave is an error."""
    made = Environment(
        loader=PackageLoader("yosegi.web"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_plain,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals |= {
        "mark_of": mark_of,
        "step_mark": step_mark,
        "told_by_engine": told_by_engine,
        "shown": shown,
        "languages": LANGUAGES,
    }
    return made


def _plain(value: Any) -> Any:
    """Every text that a template is given may be another site's; what is marked up already was looked at."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else plain(value)


def shown(value: Any, longest: int = 120) -> str:
    """A value from outside as text, cut where it is long."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= longest else text[: longest - 1] + "…"


@dataclass(frozen=True)
class Looking:
    """Who looks, in which language, and the way from the page to the root of the site's addresses."""

    site: Site
    session: Session
    w: Words
    root: str

    def render(self, template: str, **values: Any) -> Markup:
        """One part."""
        found = environment().get_template(f"parts/{template}.html")
        return Markup(found.render(site=self.site, session=self.session, w=self.w, root=self.root, **values))

    def switch(self) -> Markup:
        """The part that is on every page."""
        operations, level = self.site.operations, self.site.dispatcher.stop_level
        offered = [word for word, stronger in _STOPS if level in stronger and operations.may_stop(self.session)]
        if level and self.session.runs_the_site:
            offered.append("release")
        return self.render(
            "switch", stop=operations.stop_status(), offered=offered, notices=len(self.site.alerts.open())
        )


class PageView(Protocol):
    """A page that changes."""

    def parts(self) -> dict[str, Markup]:
        """Every part by the id of its element."""
        ...

    def rows(self) -> dict[str, Markup]:
        """Rows of the page's one growing table by id, the newest first; unchanged ones are the same object."""
        ...


@dataclass
class FederationPage:
    """This site, its peers, what can be used, and what runs."""

    looking: Looking

    def parts(self) -> dict[str, Markup]:
        """See `View`."""
        look, site = self.looking, self.looking.site
        campaigns = [self._line(campaign) for campaign in site.campaigns.list_for(look.session)]
        return {
            "switch": look.switch(),
            "notices": look.render("notices", open=site.alerts.details()),
            "campaigns": look.render("campaigns", campaigns=campaigns[::-1]),
            "sites": look.render("sites", peers=site.peers.list()),
            "capabilities": look.render("capabilities", listings=site.catalogue.summaries()),
        }

    def _line(self, campaign: Campaign) -> tuple[CampaignSummary, str, bool, list[str]]:
        """A campaign, why its last step failed, whether something in it is no real instrument, and what moves it."""
        trouble = self.looking.site.campaigns.last_error(campaign.spec.name)
        return summary_of(campaign), trouble, any_simulated(campaign), moves_of(campaign.state)

    def rows(self) -> dict[str, Markup]:
        """See `View`."""
        return {}


def any_simulated(campaign: Campaign) -> bool:
    """Whether something in a campaign is no real instrument."""
    return any(contract.simulated for contract in campaign.contracts.values())


@dataclass
class CampaignPage:
    """One campaign.

    Args:
        whole: whether every trial is shown, or the latest and those that stay.
    """

    looking: Looking
    name: str
    whole: bool = False
    _drawn: dict[int, tuple[Trial, bool, Markup]] = field(default_factory=dict)
    _valued: ValuedTrials = field(default_factory=ValuedTrials)
    _plotted: tuple[int, CampaignState, int, Markup] | None = None
    _read: int = 0
    _staying: deque[int] = field(default_factory=partial(deque, maxlen=MOST_STAY))

    @property
    def campaign(self) -> Campaign:
        """The campaign as it stands."""
        return self.looking.site.campaigns.get_for(self.name, self.looking.session)

    def parts(self) -> dict[str, Markup]:
        """See `View`."""
        look, campaign = self.looking, self.campaign
        full = overview_of(campaign)
        goal = campaign.spec.main
        trouble = look.site.campaigns.last_error(self.name)
        total = len(campaign.trials)
        return {
            "switch": look.switch(),
            "head": look.render("head", c=full, trouble=trouble, simulated=any_simulated(campaign)),
            "steering": look.render("steering", name=self.name, words=moves_of(campaign.state)),
            "figures": look.render(
                "figures",
                c=full,
                unit="" if goal.unit == "1" else f" {goal.unit}",
                units=campaign.spec.units,
                target=goal.target if goal.goal == "target" else campaign.spec.stop.target,
                first_done=campaign.tally.count(campaign.spec.source[0].name, TrialState.COMPLETED),
                others_done=sum(campaign.tally.count(s.name, TrialState.COMPLETED) for s in campaign.spec.source[1:]),
            ),
            "plot": self._plot(campaign, full),
            "spending": look.render("spending", lines=spending(full)),
            "sources": look.render("sources", c=full),
            "hypotheses": look.render("hypotheses", h=self._hypotheses(campaign)),
            "count": look.render("count", total=total, all=self.whole, shown=len(self._shown(campaign)), latest=LATEST),
        }

    def _plot(self, campaign: Campaign, full: CampaignOverview) -> Markup:
        """The plot, drawn again once there is something new to see: a new best, or all places moved by a pixel.

        A pixel is one in `PIXELS` trials, so what a trial costs does not grow with their number.
        """
        valued = self._valued.of(campaign)
        if self._plotted is not None:
            count, state, best, drawn = self._plotted
            is_new = len(valued) - count >= max(1, count // PIXELS)
            if (state, best) == (campaign.state, campaign.tally.best) and not is_new:
                return drawn
        drawn = self.looking.render("plot", c=full, p=convergence(campaign, valued))
        self._plotted = len(valued), campaign.state, campaign.tally.best, drawn
        return drawn

    def _hypotheses(self, campaign: Campaign) -> AgentComparison | None:
        """What agents thought; nothing where none may propose."""
        if campaign.spec.agent is None:
            return None
        return self.looking.site.campaigns.hypotheses(self.name, self.looking.session)

    def rows(self) -> dict[str, Markup]:
        """See `View`. A trial that did not change is not drawn again."""
        campaign = self.campaign
        best = campaign.best()
        leading = {best.number} if best is not None else {trial.number for trial in campaign.front()}
        rows: dict[str, Markup] = {}
        drawn: dict[int, tuple[Trial, bool, Markup]] = {}
        for trial in reversed(self._shown(campaign)):
            is_best = trial.number in leading
            known = self._drawn.get(trial.number)
            if known is None or known[0] is not trial or known[1] != is_best:
                known = (trial, is_best, self._draw(campaign, trial, is_best))
            rows[f"trial-{trial.number}"] = known[2]
            drawn[trial.number] = known
        self._drawn = drawn
        return rows

    def _shown(self, campaign: Campaign) -> list[Trial]:
        """All trials, or the latest, the best, those that a person must look at, and the latest that went wrong."""
        if self.whole:
            return list(campaign.trials)
        for number in campaign.ended_order[self._read :]:
            if campaign.trial(number).state in _STAY:
                self._staying.append(number)
        self._read = len(campaign.ended_order)
        total, best = len(campaign.trials), campaign.best()
        uncertain = (trial.number for trial in campaign.open_trials() if trial.state in _STAY)
        numbers = {*range(max(1, total - LATEST + 1), total + 1), *self._staying, *uncertain}
        if best is not None:
            numbers.add(best.number)
        return [campaign.trial(number) for number in sorted(numbers)]

    def _draw(self, campaign: Campaign, trial: Trial, best: bool) -> Markup:
        steps = campaign.spec.source_named(trial.source).step
        explained = any(step.reasons for step in trial.steps)
        return self.looking.render(
            "row",
            t=trial_of(campaign, trial),
            best=best,
            objective=campaign.spec.main.name,
            units=campaign.spec.units,
            simulated=all(campaign.contracts[step.capability].simulated for step in steps),
            trouble="" if explained else self._trouble(trial),
        )

    def _trouble(self, trial: Trial) -> str:
        """Why a trial has no value, where its owner gave no reasons: an engine's code and its detail."""
        told = trial.why or next((step.reason for step in reversed(trial.steps) if step.reason), "")
        return told_by_engine(self.looking.w, told)


def told_by_engine(w: Words, told: str) -> str:
    """`code: detail` with the code in words."""
    code, _, detail = told.partition(": ")
    meaning = w.code(code)
    return f"{meaning} ({told})" if meaning and detail else meaning or told


def spending(full: CampaignOverview) -> list[dict[str, Any]]:
    """One line a unit: what was spent and is held of its budget, with shares of it in percent."""
    spent, held, budget = full.spent, full.held, full.budget
    lines = []
    for unit in sorted({*spent, *held, *budget}):
        bound = float(budget.get(unit, 0))
        used, kept = float(spent.get(unit, 0)), float(held.get(unit, 0))
        lines.append(
            {
                "unit": unit,
                "spent": spent.get(unit, "0"),
                "held": held.get(unit, "0"),
                "budget": budget.get(unit, ""),
                "share": round(min(100.0, 100 * used / bound), 2) if bound else 0,
                "reach": round(min(100.0, 100 * (used + kept) / bound), 2) if bound else 0,
            }
        )
    return lines


@dataclass
class TasksPage:
    """What others asked of this site: what a person must settle, and the latest."""

    looking: Looking
    _folded: dict[str, tuple[str, TaskDetail]] = field(default_factory=dict)

    def parts(self) -> dict[str, Markup]:
        """See `View`."""
        look, site = self.looking, self.looking.site
        uncertain = [self._uncertain(row) for row in site.tasks.list_for(look.session, TaskState.UNCERTAIN)]
        latest = [
            (row, self._reasons(row), self._told(row), self._simulated(row.capability))
            for row in site.tasks.list_for(look.session)
        ]
        return {
            "switch": look.switch(),
            "uncertain": look.render("uncertain", tasks=uncertain),
            "awaited": look.render("awaited", tasks=site.approvals.waiting_for(look.session)),
            "latest": look.render("latest", tasks=latest),
        }

    def rows(self) -> dict[str, Markup]:
        """See `View`."""
        return {}

    def _uncertain(self, row: TaskSummary) -> tuple[TaskDetail, str, bool]:
        """A task, what its engine said of it, and whether it is no real instrument's."""
        full = self._fold(row)
        return full, self._told_of(full), self._simulated(full.capability)

    def _told(self, row: TaskSummary) -> str:
        """How far one that runs has come, or why one that is over has no valid result, in its engine's words."""
        if row.state is TaskState.DISPATCHED:
            return self.looking.site.tasks.progress_of(row.name)[1]
        if row.state is not TaskState.ENDED or row.result == "valid":
            return ""
        try:
            return self._told_of(self._fold(row))
        except Refused:
            return ""

    def _told_of(self, full: TaskDetail) -> str:
        told = "" if full.outcome is None else f"{full.outcome.reason}: {full.outcome.message}"
        return told_by_engine(self.looking.w, told.removesuffix(": ").removeprefix(": "))

    def _reasons(self, row: TaskSummary) -> tuple[Explanation, ...]:
        if row.state not in (TaskState.REFUSED, TaskState.CANCELLED, TaskState.ACCEPTED):
            return ()
        try:
            return self._fold(row).reasons
        except Refused:
            return (explained("body_erased"),)

    def _fold(self, row: TaskSummary) -> TaskDetail:
        version = f"{row.changed} {row.notified}"
        known = self._folded.get(row.name)
        if known is None or known[0] != version:
            known = (version, self.looking.site.tasks.show(row.name, self.looking.session))
            self._folded[row.name] = known
        return known[1]

    def _simulated(self, capability: str) -> bool:
        own = self.looking.site.catalogue.own.get(capability.rpartition("/")[2])
        return own is not None and own.simulated
