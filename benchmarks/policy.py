"""How long a decision takes, and how long until changed policies are in force.

    python -m benchmarks.policy            # or: python benchmarks/policy.py [--json]

Aims: 0.15 ms median at 30 policies and 200 entities, 0.5 ms at 200 and 7,000; 1 s to be in force at 7,000.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from datetime import UTC, datetime, timedelta

from yosegi.core.contract import EffectClass
from yosegi.governance.agreements.agreement import Agreement
from yosegi.governance.charter.charter import Charter, Member, Team, Threshold
from yosegi.governance.policy.directory import Directory
from yosegi.governance.policy.policy import Policy
from yosegi.governance.policy.question import CapabilityFacts, Question
from yosegi.trust import Ed25519Signer

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SITES = 24
TEAMS = 11
SIZES = ((30, 200), (200, 7000))
DECISIONS = 2000


def charter(people: int) -> Charter:
    members = tuple(
        Member(
            id=f"site-{n}",
            name=f"Site {n}",
            kind="laboratory",
            country="JP" if n % 2 else "US",
            keys=(Ed25519Signer.from_seed(bytes([n]) * 32).public,),
        )
        for n in range(SITES)
    )
    teams = tuple(
        Team(
            id=f"team-{t}",
            title=f"Team {t}",
            lead=f"site-{t}",
            sites=tuple(f"site-{n}" for n in range(SITES)),
            people=tuple(f"p{n}@site-{n % SITES}" for n in range(people) if n % TEAMS == t),
        )
        for t in range(TEAMS)
    )
    return Charter(
        id="bench",
        version=1,
        title="Benchmark",
        issued=NOW,
        expires=NOW + timedelta(days=365),
        threshold=Threshold(members=2),
        members=members,
        teams=teams,
    )


def agreements(count: int) -> list[Agreement]:
    return [
        Agreement(
            charter="bench",
            name=f"agreement-{n}",
            title=f"Agreement {n}",
            teams=(f"team-{n % TEAMS}",),
            parties=tuple(f"site-{m}" for m in range(SITES)),
            capabilities=(f"site-0/simulate-{n}.*", f"site-{n % SITES}/measure.*"),
            purposes=("research", "calibration"),
            valid_from=NOW,
            valid_until=NOW + timedelta(days=365),
        )
        for n in range(count)
    ]


def rules(count: int) -> dict[str, str]:
    return {
        "local.cedar": "\n".join(
            f'@id("rule-{n}") @reason("no") forbid (principal, action == Action::"accept", resource)'
            f' when {{ resource.ref like "site-0/closed-{n}.*" && context.amounts.node_h > {n} }};'
            for n in range(count)
        )
    }


def question(number: int, people: int, policies: int) -> Question:
    person = number % people
    wanted = person % TEAMS + TEAMS * (number % max(1, policies // TEAMS))
    return Question(
        action="accept",
        person=f"p{person}@site-{person % SITES}",
        home=f"site-{person % SITES}",
        team=f"team-{person % TEAMS}",
        charter="bench",
        capability=CapabilityFacts(
            ref=f"site-0/simulate-{wanted}.fast@1",
            contract="sha256:" + "0" * 64,
            kind="simulation",
            effect=EffectClass.PURE,
            sensitivity="team",
            export_class="none",
            simulated=True,
            approval=False,
            conduct=("run",),
        ),
        purpose="research",
        peer=f"site-{person % SITES}",
        now=NOW + timedelta(days=1),
    )


def measure(policies: int, entities: int) -> dict[str, float | int]:
    people = entities - SITES - TEAMS
    permits = policies * 5 // 6
    document, signed, local = charter(people), agreements(permits), rules(policies - permits)
    started, began = time.perf_counter(), time.process_time()
    policy = Policy.build("site-0", Directory.of(document), signed, local)
    policy.decide(question(0, people, permits))
    reload, reload_cpu = time.perf_counter() - started, time.process_time() - began
    began = time.process_time()
    Policy.build("site-0", Directory.of(document), signed[1:], local)
    rebuild_cpu = time.process_time() - began
    asked = [question(n * 37, people, permits) for n in range(DECISIONS)]
    times, allowed = [], 0
    began = time.process_time()
    for one in asked:
        started = time.perf_counter()
        allowed += policy.decide(one).allow
        times.append((time.perf_counter() - started) * 1e3)
    first_cpu = (time.process_time() - began) / len(asked) * 1e3
    again = []
    began = time.process_time()
    for one in asked:
        started = time.perf_counter()
        policy.decide(one)
        again.append((time.perf_counter() - started) * 1e3)
    cpu = (time.process_time() - began) / len(asked) * 1e3
    return {
        "policies": policies,
        "entities": entities,
        "allowed": allowed,
        "first_ms": statistics.median(times),
        "first_cpu_ms": first_cpu,
        "median_ms": statistics.median(again),
        "cpu_ms": cpu,
        "p95_ms": statistics.quantiles(again, n=20)[-1],
        "reload_s": reload,
        "reload_cpu_s": reload_cpu,
        "rebuild_cpu_s": rebuild_cpu,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    as_json = parser.parse_args().json
    if not as_json:
        print(f"{platform.machine()}, Python {platform.python_version()}, {DECISIONS} decisions each")
        columns = "policies  entities  allowed  median ms  cpu ms  p95 ms  first ms  (cpu ms)"
        print(f"{columns}  in force after s  (cpu s)  (again)")
    for policies, entities in SIZES:
        found = measure(policies, entities)
        if as_json:
            print(json.dumps(found))
        else:
            print(
                f"{policies:8}  {entities:8}  {found['allowed']:7}  {found['median_ms']:9.3f}  {found['cpu_ms']:6.3f}"
                f"  {found['p95_ms']:6.3f}  {found['first_ms']:8.3f}  {found['first_cpu_ms']:8.3f}"
                f"  {found['reload_s']:16.3f}  {found['reload_cpu_s']:7.3f}  {found['rebuild_cpu_s']:7.3f}"
            )


if __name__ == "__main__":
    main()
