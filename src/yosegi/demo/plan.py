"""The demonstration's federation: three sites that carry real institutions' names as labels, and say so."""

from __future__ import annotations

from yosegi.app.bootstrap import Founder, Plan
from yosegi.governance.charter.charter import Named, Team

LABEL = "(a label of this demonstration; the institution takes no part in it)"
CHARTER, TEAM = "demonstration", "colour-team"

NO_TEACHING = """\
@id("no-teaching-in-the-wells")
@reason("The robot's wells are kept for research; teaching uses the simulation.")
@reason_ja("ロボットのウェルは研究専用です。教育目的ではシミュレーションをお使いください。")
@contact("operator@nims")
forbid (principal, action, resource)
when { context.purpose == "teaching" && resource.effect == "consuming" };
"""


def plan(first_port: int) -> Plan:
    """Sites on ports from `first_port`."""
    argonne, riken, nims = (f"127.0.0.1:{first_port + n}" for n in range(3))
    return Plan(
        charter=CHARTER,
        title="Demonstration of a federation between two countries",
        team=Team(
            id=TEAM,
            title="Colour team",
            lead="argonne",
            sites=("argonne", "riken", "nims"),
            people=("pi@argonne", "operator@riken", "operator@nims"),
            focus_area="autonomous-laboratories",
            challenges=("colour",),
        ),
        purposes=("research", "teaching"),
        approvers=("operator@nims",),
        focus_areas=(Named(id="autonomous-laboratories", title="Autonomous laboratories"),),
        challenges=(Named(id="colour", title="Match a colour in few wells", focus_area="autonomous-laboratories"),),
        founders=(
            Founder(
                settings={
                    "site": "argonne",
                    "title": f"Argonne {LABEL}",
                    "listen": argonne,
                    "reach": "listens",
                    "url": f"http://{argonne}",
                    "keeps_mailboxes": True,
                },
                country="US",
                people={"pi@argonne": "member", "operator@argonne": "operator"},
            ),
            Founder(
                settings={
                    "site": "riken",
                    "title": f"RIKEN {LABEL}",
                    "listen": riken,
                    "reach": "listens",
                    "url": f"http://{riken}",
                    "process": {"publish": ["yosegi_packs.labs:simulate"], "slots": 2},
                },
                country="JP",
                people={"operator@riken": "operator"},
                grant={"node_h": "2"},
            ),
            Founder(
                settings={
                    "site": "nims",
                    "title": f"NIMS {LABEL}",
                    "listen": nims,
                    "reach": "outbound",
                    "mailbox": "argonne",
                },
                country="JP",
                people={"operator@nims": "operator"},
                rules={"wells.cedar": NO_TEACHING},
                grant={"samples": "96", "instrument_h": "6"},
            ),
        ),
    )
