"""The federation of the accelerator demonstration: two sites that carry real institutions' names as labels."""

from __future__ import annotations

from yosegi.app.bootstrap import Founder, Plan
from yosegi.demo.plan import LABEL
from yosegi.governance.charter.charter import Named, Team

CHARTER, TEAM = "beam-demonstration", "beam-team"
SITES = ("kek", "jparc")


def beam_plan(first_port: int) -> Plan:
    """Sites on ports from `first_port`: one asks and computes, the other has the ring."""
    kek, jparc = (f"127.0.0.1:{first_port + n}" for n in range(2))
    return Plan(
        charter=CHARTER,
        title="Demonstration of beam tuning between two accelerator laboratories",
        team=Team(
            id=TEAM, title="Beam team", lead="kek", sites=SITES, people=("pi@kek", "operator@jparc"),
            focus_area="particle-physics", challenges=("orbit",),
        ),
        purposes=("research",),
        focus_areas=(Named(id="particle-physics", title="Particle physics"),),
        challenges=(Named(id="orbit", title="Correct an orbit in few shots", focus_area="particle-physics"),),
        founders=(
            Founder(
                settings={
                    "site": "kek", "title": f"KEK {LABEL}", "listen": kek, "reach": "listens", "url": f"http://{kek}",
                    "keeps_mailboxes": True, "process": {"publish": ["yosegi_packs.accelerator:model"], "slots": 1},
                },
                country="JP",
                people={"pi@kek": "member", "operator@kek": "operator"},
                grant={"node_h": "2"},
            ),
            Founder(
                settings={
                    "site": "jparc", "title": f"J-PARC {LABEL}", "listen": jparc, "reach": "outbound", "mailbox": "kek",
                },
                country="JP",
                people={"operator@jparc": "operator"},
                grant={"instrument_h": "4"},
            ),
        ),
    )  # fmt: skip
