"""Sites of two versions: what one does not speak it refuses in words, and the rest goes on.

See docs/explanation/versions.md.
The older site is today's with the handlers of the kinds it does not know taken out, which is all that sets it apart.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from federation.test_refusals import asked
from federation.toys import three_sites
from yosegi.exchange.outbox import REFUSED, sending
from yosegi.ledger import Write
from yosegi.testing.federation import CHARTER, Federation
from yosegi.testing.loop import run_simulated
from yosegi.trust.document import Addressed
from yosegi.trust.messages import Cancel, Offer, Report, Request

FIRST_SET = {kind.payload_type for kind in (Request, Report, Cancel, Offer)}
"""What the first version spoke: tests/ledger/golden/v0.1 holds documents of these kinds."""
NEXT = "application/vnd.yosegi.request.v2+json"


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def make_older(federation: Federation, site: str) -> None:
    """From now on a site knows the first set of kinds and no other."""
    handlers = federation.places[site].running.exchange._handlers
    for kind in set(handlers) - FIRST_SET:
        del handlers[kind]


@pytest.mark.parametrize("capability", ["riken/toy.simulate@1", "nims/toy.make@1"])
def test_an_owner_that_speaks_the_older_set_does_the_work(tmp_path: Path, capability: str) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        make_older(federation, capability.partition("/")[0])
        answer = await asked(federation, capability)
        assert answer.outcome is not None
        assert answer.outcome.outputs

    run_simulated(story())


def test_a_home_site_that_speaks_the_older_set_gets_its_answers(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        make_older(federation, "argonne")
        answer = await asked(federation, "riken/toy.simulate@1")
        assert answer.outcome is not None
        assert answer.outcome.outputs

    run_simulated(story())


async def send_next(federation: Federation) -> str:
    """argonne sends riken a request in the form of a version to come; its digest."""
    home = federation.places["argonne"].running
    now = home.clock.now()
    fields = {"charter": CHARTER, "sender": "argonne", "to": "riken", "key": "0" * 16}
    document = Addressed(issued=now, not_after=now + Addressed.longest, **fields)  # type: ignore[arg-type]
    envelope = document.sign(federation.signer("argonne")).model_copy(update={"payload_type": NEXT})
    draft = sending("test.next", "riken", "test/next", envelope, {}, {})
    home.exchange.posted(await home.ledger.append(Write("test", 0, (draft,), charter=CHARTER, actor="argonne")))
    return envelope.payload_digest


def test_a_document_of_a_version_to_come_is_refused_in_words_and_not_sent_for_ever(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        heard: list[str] = []
        link = federation.places["riken"].running.exchange.link(CHARTER, "argonne")
        refuse = link.refuse
        link.refuse = lambda refusal: (heard.append(refusal.why), refuse(refusal))[1]  # type: ignore[method-assign]
        digest = await send_next(federation)
        await asyncio.sleep(120)
        home = federation.places["argonne"].running
        assert heard == [f"{NEXT} is not spoken here"]
        assert home.exchange.link(CHARTER, "riken").waiting == 0
        settled = [e for e in home.ledger.read(f"exchange/{CHARTER}") if e.type == REFUSED]
        assert any(digest in str(e.facts["ids"]) for e in settled)

    run_simulated(story())


def test_beside_what_it_does_not_know_an_older_site_does_the_rest(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        await send_next(federation)
        answer = await asked(federation, "riken/toy.simulate@1")
        assert answer.outcome is not None

    run_simulated(story())
