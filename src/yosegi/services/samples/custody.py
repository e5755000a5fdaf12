"""Whether a peer may give a sample to this site: a pure function of its word and of what is known here.

The rules, each named beside its check in `check_given`:

1. Both are sites of the team whose sample it is.
2. What is known here of the sample is of the same charter and team.
3. The giver made it, or shows the words by which it came to it, one giver after another from the site that made it,
   each signed by a key that its site stated when it was signed.
4. This site does not hold it, and it is not on its way here from somebody else.
5. If this site gave it away or made it, its own word is among those.

A giver that gave one sample to two sites cannot be found out by either; both have its signed words, and whoever holds
the two ledgers against each other sees it. The thing itself comes to one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from yosegi.core.errors import Conflict, Invalid, Unavailable
from yosegi.governance.charter.charter import Charter
from yosegi.services.samples.entries import Sample
from yosegi.services.samples.states import SampleState
from yosegi.trust.envelope import Envelope
from yosegi.trust.keys import PublicKey
from yosegi.trust.samples import SampleGiven

MOST_HANDS = 8
"""Hand-overs of one sample. Each word holds the one before it, and grows by a third with each."""


class KeysThen(Protocol):
    """The keys of a site that were believed at a moment, by key id."""

    def __call__(self, site: str, moment: datetime, /) -> Mapping[str, PublicKey]:
        """See `yosegi.governance.charter.key_history.KeyHistory.keys_at`."""
        ...


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a giver's word is held against.

    Args:
        site: the site it is for.
        charter: under which it came.
        keys: which keys counted when.
        sample: what is known of the sample here; None if nothing is.
    """

    site: str
    charter: Charter
    keys: KeysThen
    sample: Sample | None


def takes_part(charter: Charter, team: str, site: str) -> bool:
    """Whether a site is one of a team's, or hosts an institution that is."""
    found = charter.team(team)
    return found is not None and any(one in found.sites for one in (site, *charter.hosted(site)))


def words_before(word: SampleGiven) -> Iterator[Envelope]:
    """The words that a giver's word rests on, the latest first; NOT verified.

    Raises:
        Invalid: more than `MOST_HANDS`.
        Untrusted, Invalid: not such words.
    """
    count, before = 1, word.before
    while before is not None:
        count += 1
        if count > MOST_HANDS:
            raise Invalid(f"sample {word.sample}", f"more than {MOST_HANDS} hand-overs", "register it anew")
        yield before
        before = SampleGiven.peek(before).before


def check_given(word: SampleGiven, known: Circumstances) -> None:
    """See that a verified word of a giver may be taken.

    Raises:
        Invalid, Untrusted: names the first rule that does not hold.
        Unavailable: it was given from here, and the word that it was received is still to come.
    """
    sample, what = known.sample, f"sample {word.sample}"
    # 1
    for site in (word.sender, word.to):
        if not takes_part(known.charter, word.team, site):
            raise Invalid(what, f"{site} is no site of the team {word.team}")
    # 2
    if sample is not None and (sample.charter, sample.team) != (word.charter, word.team):
        raise Invalid(what, "is known here under another charter, or as another team's")
    # 3
    digests = _chain(word, known)
    # 4
    if sample is not None and sample.holder == known.site:
        if sample.state is SampleState.IN_TRANSIT and sample.given & digests:
            raise Unavailable(what, f"{sample.to} has not said yet that it received it from here")
        raise Invalid(what, f"is held by {known.site}", "whoever holds it gives it")
    offered = (word.sender, word.key)
    if sample is not None and sample.state is SampleState.IN_TRANSIT and (sample.holder, sample.key) != offered:
        raise Invalid(what, f"is on its way to {known.site} from {sample.holder} already")
    # 5
    ours = sample.gave if sample is not None else frozenset()
    if sample is None and word.sample.startswith(f"{known.site}/"):
        raise Invalid(what, f"{known.site} has made no such sample")
    if ours and not ours & digests:
        raise Invalid(what, f"{known.site} gave it away, and the giver does not show how it came by it from there")


def _chain(word: SampleGiven, known: Circumstances) -> frozenset[str]:
    """Digests of the words that lead from the site that made the sample to its giver, verified."""
    digests, giver = set[str](), word.sender
    for envelope in words_before(word):
        claimed = SampleGiven.peek(envelope)
        before = SampleGiven.open(
            envelope, known.keys(claimed.sender, claimed.issued), now=claimed.issued, to=giver, charter=word.charter
        )
        if (before.sample, before.team) != (word.sample, word.team) or before.issued > word.not_after:
            raise Invalid(f"sample {word.sample}", f"what {before.sender} gave to {giver} is something else")
        digests.add(envelope.payload_digest)
        giver = before.sender
    if giver != word.sample.partition("/")[0]:
        raise Invalid(f"sample {word.sample}", f"{word.sender} shows no word by which it came to hold it")
    return frozenset(digests)


def check_may_be_given(word: SampleGiven) -> None:
    """See that the receiver could take a word at all.

    Raises:
        Conflict: it passed through too many hands.
    """
    try:
        for _ in words_before(word):
            pass
    except Invalid:
        todo = "split it or pool it here: what comes of that is a sample of this site"
        raise Conflict(f"sample {word.sample}", f"was handed over {MOST_HANDS} times", todo) from None
