"""One campaign in the Python client: watched, steered, asked and told, its results and answer as tables and plots."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import quote

from yosegi.client._arguments import check_kind, check_word
from yosegi.client.connection import LONG, Connection
from yosegi.core.errors import Unavailable
from yosegi.services.campaigns.schemas import (
    AgentComparison,
    BestTrial,
    CampaignAnswer,
    CampaignDetail,
    CampaignFileText,
    CampaignMoved,
    MeasurementsAdded,
)

if TYPE_CHECKING:
    from yosegi.client.asking import AskedPoint
    from yosegi.services.bench.schemas import BenchEntered
    from yosegi.services.programme.schemas import CampaignStanding, ResultKind
    from yosegi.trust.signer import Signer

OVER = ("ended", "aborted", "stopped")
Conduct = Literal["suggest", "approve", "run"]


class CampaignHandle:
    """One campaign of a site."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection, self.name = connection, name

    def __repr__(self) -> str:
        return f"<campaign {self.name} at {self._connection.url}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: how it stands, its answer, and its last trials."""
        from yosegi.client.campaign_results import html_of

        return html_of(self.state())

    # -- looking --------------------------------------------------------------------------------------------------

    def state(self) -> CampaignDetail:
        """Everything about it, trials included."""
        return self._connection.get(CampaignDetail, self._path())

    @property
    def best(self) -> BestTrial | None:
        """The best trial so far; None where there is none yet, and with several objectives (see `front`)."""
        return self.state().best

    @property
    def front(self) -> tuple[BestTrial, ...]:
        """With several objectives: the trials that no other surpasses."""
        return self.state().front

    @property
    def best_value(self) -> float | None:
        """The value of the best trial."""
        best = self.best
        return None if best is None else best.value

    @property
    def best_params(self) -> dict[str, Any]:
        """The point of the best trial; empty where there is none."""
        best = self.best
        return {} if best is None else dict(best.values)

    def answer(self) -> CampaignAnswer:
        """The answer with its uncertainty, what the model learned, the measured acceleration, and how to cite it."""
        return self._connection.get(CampaignAnswer, self._path("/answer"))

    def results(self) -> Any:
        """Its trials, one row each: a pandas DataFrame where pandas is installed, else a list of dicts.

        Columns: the point, every outcome with its error, every output as `step.output` (an object by its digest, for
        `Client.objects`), cost in grant units, time, owner, what was predicted, and why it was proposed.
        """
        from yosegi.client.campaign_results import frame_of, rows_of_state

        return frame_of(rows_of_state(self.state()))

    def plot(self, kind: Literal["convergence", "front", "parallel", "parity", "slices"] = "convergence") -> Any:
        """A drawing of its results by matplotlib, which is imported here.

        Args:
            kind: values by trial with the best so far; the first two objectives; all parameters and the objective;
                what was measured against what the model says of it from all others; the outcome along each parameter.

        Raises:
            Invalid: matplotlib is not installed, or there is nothing to draw yet.
            ValueError: there is no such drawing.
        """
        check_word("plot()", "kind", kind, ("convergence", "front", "parallel", "parity", "slices"))
        from yosegi.client.campaign_results import drawn, drawn_learned

        if kind in ("parity", "slices"):
            return drawn_learned(kind, self.answer())
        return drawn(kind, self.state())

    def wait(
        self,
        timeout: float | None = None,
        *,
        progress: bool | Callable[[CampaignDetail], object] = True,
        every: float = 1.0,
    ) -> CampaignDetail:
        """Wait until it is over, or held; returns how it stands then.

        Args:
            timeout: seconds; for ever if None.
            progress: print a line each time a trial ends, or call this with the state; False for neither.
            every: seconds between two looks.

        Raises:
            Unavailable: it was not over in time; it goes on all the same.
            TypeError, ValueError: the seconds are none.
        """
        if timeout is not None:
            check_kind("wait()", "timeout", timeout, (int, float), "seconds, or None for ever")
        check_kind("wait()", "every", every, (int, float), "seconds")
        if every <= 0:
            raise ValueError(f"wait(): every is {every:g}; give seconds above 0")
        began, seen = time.monotonic(), -1
        while True:
            state = self.state()
            if state.position != seen and progress:
                tell = progress if callable(progress) else _printed
                tell(state)
            seen = state.position
            if state.state in (*OVER, "held"):
                return state
            if timeout is not None and time.monotonic() - began > timeout:
                raise Unavailable(f"the end of campaign {self.name}", f"it goes on after {timeout:g} s", "wait again")
            time.sleep(every)

    # -- steering -------------------------------------------------------------------------------------------------

    def move(self, word: str, why: str = "", conduct: Conduct | None = None) -> CampaignDetail | CampaignMoved:
        """`hold`, `resume` (perhaps with another conduct), `stop` or `abort`.

        Who may not see the campaign is told its name and state alone.

        Raises:
            ValueError: no such word.
        """
        check_word("move()", "word", word, ("hold", "resume", "stop", "abort"))
        body = {"why": why} | ({"conduct": conduct} if conduct else {})
        kind = cast("type[CampaignDetail | CampaignMoved]", CampaignDetail | CampaignMoved)
        return self._connection.post(kind, self._path(f"/{word}"), body)

    def extend(self, why: str = "", **changes: Any) -> CampaignDetail:
        """Give it another budget, stop rule, parallel, conduct or space; one that has ended goes on.

        Args:
            why: for the record.
            changes: fields as in the campaign file, e.g. `stop={"trials": 60}`, `budget={"samples": "40"}`; a line
                of the budget or of the stop rule that is not named stays.
        """
        return self._connection.post(CampaignDetail, self._path("/extend"), {"changes": changes, "why": why})

    def ask_for(
        self, values: Mapping[str, Any] | None = None, *, candidate: str = "", source: str = "", why: str = ""
    ) -> CampaignDetail:
        """Have a point of your own measured, by its values or by the id of a candidate.

        Raises:
            TypeError: the values are no dict.
            ValueError: neither or both are given.
        """
        if values is not None:
            check_kind("ask_for()", "values", values, Mapping, 'a dict by parameter, e.g. {"temperature": 900}')
        if bool(values) == bool(candidate):
            raise ValueError("ask_for(): give the values of a point, or the id of a candidate, one of the two")
        body = {"values": dict(values or {}), "candidate": candidate, "source": source, "why": why}
        return self._connection.post(CampaignDetail, self._path("/points"), body)

    def withdraw(self, trial: int, why: str) -> CampaignDetail:
        """Take a trial back, as far as its owner can; its point may be asked again."""
        return self._taken_back(trial, why, skip=False)

    def skip(self, trial: int, why: str) -> CampaignDetail:
        """The same, and its point is never asked of that source again."""
        return self._taken_back(trial, why, skip=True)

    def _taken_back(self, trial: int, why: str, *, skip: bool) -> CampaignDetail:
        call = "skip()" if skip else "withdraw()"
        check_kind(call, "trial", trial, int, "the number of a trial")
        body = {"why": why, "skip": skip}
        return self._connection.post(CampaignDetail, self._path(f"/trials/{trial}/withdraw"), body)

    # -- measurements that nobody proposed -------------------------------------------------------------------------

    def add(
        self, table: Any, *, source: str = "", file: str = "", key: Signer | None = None, person: str = ""
    ) -> MeasurementsAdded:
        """Bring measurements that nobody here proposed; they are marked as imported.

        Args:
            table: a DataFrame, a list of rows, CSV text, or the path of a CSV file; a column a parameter and outcome,
                `NAME_error` for standard errors, `state` (`failed`, `infeasible`) for what has no value.
            source: which source would have measured so; the first if none is named.
            file: where they come from, for the record.
            key: sign them with your own key; without one, the site answers for who you are.
            person: whose key it is.
        """
        from yosegi.client.brought import signed_measurements, table_text

        text, found = table_text(table)
        if key is None:
            body = {"table": text, "source": source, "file": file or found}
            return self._connection.post(MeasurementsAdded, self._path("/measurements"), body)
        envelope = signed_measurements(self.file(), text, source, file or found, key, person)
        return self._connection.post(MeasurementsAdded, self._path("/measurements"), {"document": envelope})

    # -- a loop of one's own ------------------------------------------------------------------------------------

    def ask(self, timeout: float = 60.0, every: float = 0.5) -> AskedPoint | None:
        """The next point that waits for a person at this site: measure it, and `tell` what came of it.

        For a source whose capability is published by an engine of the kind `person`; what is proposed and told is on
        the same record as any other. None where the campaign is over or held.

        Raises:
            Unavailable: nothing waits in so many seconds.
            Invalid: no source of it is done by people at this site, so that nothing could ever wait.
        """
        from yosegi.client.asking import next_point

        return next_point(self._connection, self.name, timeout, every)

    def tell(
        self,
        asked: AskedPoint,
        outputs: Mapping[str, Any] | float | None = None,
        *,
        infeasible: str = "",
        failed: str = "",
    ) -> BenchEntered:
        """What came of a point: outputs by name (a number alone where there is one), or why there are none.

        Raises:
            TypeError: what is told of is no point of `ask`, or the outputs are neither a number nor a dict.
            ValueError: nothing is told.
            Invalid: a number alone where several outputs are asked.
        """
        from yosegi.client.asking import tell

        return tell(self._connection, asked, outputs, infeasible, failed)

    # -- taking it away ---------------------------------------------------------------------------------------------

    def file(self, other: str = "") -> CampaignFileText:
        """Its file and tables; `other` gives it another name, to clone it."""
        return self._connection.get(CampaignFileText, self._path(f"/file?other={quote(other)}"))

    def clone(self, name: str, **changes: Any) -> CampaignHandle:
        """Start another campaign that asks the same, under another name.

        Args:
            name: of the new one.
            changes: whole fields of the campaign file that are to be different, e.g. `seed=2`. Tables that none of them
                names are those on record; others are read beside the caller.

        Raises:
            TypeError: the name is no text.
        """
        import tomllib

        from yosegi.campaign.spec_file import named_in
        from yosegi.client.campaign_body import campaign_body

        check_kind("clone()", "name", name, str, "the name of the new campaign")
        found = self.file(name)
        body: dict[str, Any] = {"spec": found.text, "files": found.files}
        if changes:
            brought = named_in(changes)
            kept = {file: text for file, text in found.files.items() if file not in brought}
            body = campaign_body(tomllib.loads(found.text) | changes | {"name": name} | _kept(changes), kept)
        started = self._connection.post(CampaignDetail, "/campaigns", body)
        return CampaignHandle(self._connection, started.name)

    def hypotheses(self) -> AgentComparison:
        """What agents thought about it, what came of it, and whether they did better than the planner."""
        return self._connection.get(AgentComparison, f"/campaigns/{quote(self.name)}/hypotheses")

    def export(self) -> bytes:
        """Its bundle, for `yosegi verify` and `yosegi replay`."""
        request = self._connection.request("GET", self._path("/export"))
        with self._connection.opened(request, LONG) as answer:
            return answer.read()

    def register_outcome(self, kind: ResultKind, title: str, link: str = "") -> CampaignStanding:
        """Record what came of it: a paper, data set, model or answered question."""
        from yosegi.services.programme.schemas import CampaignStanding

        body = {"kind": kind, "title": title, "link": link}
        return self._connection.post(CampaignStanding, f"/outcomes/{quote(self.name)}", body)

    def _path(self, more: str = "") -> str:
        return f"/campaigns/{quote(self.name)}{more}"


def _kept(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {"candidates": changes["candidates"]} if "candidates" in changes else {}


def _printed(state: CampaignDetail) -> None:
    best = "" if state.best is None else f", best {state.best.value:.4g} at trial {state.best.trial}"
    front = f", front of {len(state.front)}" if state.front else ""
    why = f" ({state.why})" if state.why else ""
    print(f"{state.name}: {state.state}{why}, {state.ended} of {state.trials} trials over{best}{front}")
