"""What a task does to samples, in its own commit: what it made is registered, what it may have spoilt is set aside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from yosegi.core.contract import Contract
from yosegi.core.engine import Outcome
from yosegi.core.samples import samples_named
from yosegi.core.states import Effect, Result, TaskState
from yosegi.execution.tasks import Task
from yosegi.ledger import Draft, Write
from yosegi.services.samples.entries import QUARANTINED, REGISTERED, Sample, sample_stream
from yosegi.services.samples.records import SampleRecords
from yosegi.services.samples.repository import entry_of
from yosegi.services.samples.states import ACTIONS, SampleState

SIMULATED = "simulated"
"""What is written on a sample that a simulated capability made."""


@dataclass(frozen=True, slots=True)
class TaskSamples:
    """What is recorded of samples with the end of a task.

    Args:
        records: of the samples that this site knows.
    """

    records: SampleRecords

    def follow(
        self, task: Task, state: TaskState, outcome: Outcome | None, contract: Contract | None
    ) -> Sequence[Write]:
        """The entries about samples that belong in the commit that records a task's state.

        Args:
            task: as it is before.
            state: the one it comes into.
            outcome: what was done, if it is over.
            contract: of what was asked; where it is not known any more, nothing is known of samples.
        """
        if contract is None:
            return ()
        if state is TaskState.UNCERTAIN:
            return tuple(self._set_aside(task, contract))
        if outcome is None or outcome.effect is not Effect.DONE or outcome.result is not Result.VALID:
            return ()
        return tuple(self._made(task, outcome, contract))

    def _made(self, task: Task, outcome: Outcome, contract: Contract) -> Iterator[Write]:
        """One that is known already was only handled. What an uncertain task turns out to have made is set aside."""
        site, asked = self.records.site, task.asked()
        given = tuple(dict.fromkeys(samples_named(contract.inputs, asked.inputs, site)))
        for sample in dict.fromkeys(samples_named(contract.outputs, outcome.outputs, site)):
            if not sample.startswith(f"{site}/") or self.records.find(sample) is not None:
                continue
            uncertain = task.state is TaskState.UNCERTAIN
            state = SampleState.QUARANTINED if uncertain else SampleState.AVAILABLE
            facts = {
                "team": asked.team, "parents": list(given), "holder": site, "state": state.value,
                "task": task.key, "home": task.home, "campaign": asked.campaign or "",
            }  # fmt: skip
            body = {"note": f"for some time nobody knew what task {task.key} did"} if uncertain else {}
            # Its label goes with it: whoever is to ship, receive or look for it is told that there is no such thing.
            body |= {"label": SIMULATED} if contract.simulated else {}
            draft = Draft(REGISTERED, facts, body or None)
            yield Write(sample_stream(sample), 0, (draft,), charter=asked.charter, actor=site)

    def _set_aside(self, task: Task, contract: Contract) -> Iterator[Write]:
        """What it was given: a person has to look before anybody uses it."""
        site, asked = self.records.site, task.asked()
        for name in dict.fromkeys(samples_named(contract.inputs, asked.inputs, site)):
            sample = self.records.find(name)
            if sample is None or not self._may_be_set_aside(sample, asked.charter, asked.team):
                continue
            facts = {"task": task.key, "home": task.home}
            note = f"what task {task.key} of {asked.capability} did is not known, and it was given this sample"
            yield self.records.told(
                entry_of(sample, QUARANTINED, facts, {"note": note}, site, state=SampleState.QUARANTINED.value), sample
            )

    def _may_be_set_aside(self, sample: Sample, charter: str, team: str) -> bool:
        """A task of one team says nothing of another's samples."""
        begins, _ = ACTIONS["quarantine"]
        mine = sample.holder == self.records.site and (sample.charter, sample.team) == (charter, team)
        return mine and sample.state in begins
