"""`yosegi verify` and `yosegi replay`: check a campaign's bundle offline, and find its decisions again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from yosegi.cli.output import as_json, explained, say, show_json, show_table
from yosegi.core.errors import Corrupt, Invalid

if TYPE_CHECKING:
    from yosegi.verification.bundle import Bundle, Replayed
    from yosegi.verification.remote_decisions import RemoteDecisionsVerified

Existing = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("bundle", type=Existing)
@click.option("--charter", default="", help="Digest of the charter you trust; the bundle must rest on it.")
@as_json
@explained
def verify(bundle: Path, charter: str, json_: bool) -> None:
    """Check a campaign's bundle offline: signatures, proofs, receipts, and that its story is what owners signed.

    Decisions are made again, the home site's and the owners'. An owner may keep its policies to itself
    (policies_shown_to in its site.toml): its decisions are then counted as its own, known by digest only.

    Ends with status 1 and names the first entry that is wrong, if one is. Needs no network and believes nothing but
    the charter in the bundle; compare its digest with one you were told, or give it with --charter.

    \b
    Example: yosegi verify anneal.yosegi
    """
    from dataclasses import asdict

    from yosegi.cli._progress import counted
    from yosegi.verification.bundle import verify_bundle

    found = verify_bundle(_read(bundle), counted("entries"))
    if charter and found.charter != charter:
        raise Corrupt(str(bundle), f"it rests on the charter {found.charter}", "ask its sender which charter that is")
    summary = {
        "campaign": found.campaign.spec.name,
        "state": str(found.campaign.state),
        "entries": found.entries,
        "receipts": found.receipts,
        "decisions": found.decisions,
        "owners_decisions": asdict(found.owners),
        "erased": found.erased,
        "trials": len(found.campaign.trials),
        "objects": {"named": found.objects[0], "with_bytes": found.objects[1]},
        "charter": found.charter,
        "ok": True,
    }
    if json_:
        show_json(summary)
    else:
        say(
            f"{bundle} holds together: {found.entries} entries, {found.receipts} receipts of owners, "
            f"{found.decisions} decisions of the home site made again, "
            f"{len(found.campaign.trials)} trials, {found.objects[0]} objects ({found.objects[1]} with their bytes)\n"
            f"{_owners(found.owners)}\n{_erased(found.erased)}"
            f"it rests on the charter {found.charter}"
        )


def _erased(count: int) -> str:
    return f"{count} entries have no body any more: it was erased, and other entries say so\n" if count else ""


def _owners(found: RemoteDecisionsVerified) -> str:
    """What became of the owners' decisions, in words."""
    parts = [f"{found.made_again} made again"]
    if found.kept:
        parts.append(f"{found.kept} are the owner's own, by digest only, and were not made again")
    if found.missing:
        parts.append(f"{found.missing} rest on policies that the bundle does not hold: export it again")
    if found.untold:
        parts.append(f"{found.untold} reports tell none (an older version, or refused before any policy was asked)")
    return f"owners' decisions: {'; '.join(parts)}"


@click.command()
@click.argument("bundle", type=Existing)
@as_json
@explained
def replay(bundle: Path, json_: bool) -> None:
    """Give a campaign's recorded results to the planner again, and compare each decision with the one recorded.

    identical: the same to the last bit. equivalent: every value within its parameter's resolution (another build of
    NumPy may round differently). older: another decision, and another revision of the planner made it; replay it with
    the version of yosegi that is named. different: the decision cannot be found again. The last two end with status 1.

    \b
    Example: yosegi replay anneal.yosegi
    """
    from collections import Counter

    from yosegi.cli._progress import counted
    from yosegi.verification.bundle import replay_bundle

    found = replay_bundle(_read(bundle), counted("entries"))
    counts = Counter(one.verdict for one in found)
    if json_:
        show_json([{"position": one.position, "verdict": one.verdict, "versions": one.versions} for one in found])
    else:
        others = ((one.position, one.verdict, _made_with(one)) for one in found if one.verdict != "identical")
        header = ("position", "verdict", "decided with")
        show_table(header, others, empty=f"all {len(found)} decisions found again, identical")
    if counts["different"] or counts["older"]:
        raise click.exceptions.Exit(1)


def _made_with(one: Replayed) -> str:
    names = ("yosegi", "numpy", "scipy", "blas")
    return ", ".join([f"planner revision {one.revision}", *(f"{n} {one.versions.get(n, 'unknown')}" for n in names)])


def _read(path: Path) -> Bundle:
    from yosegi.verification.bundle import read_bundle

    data = path.read_bytes()
    if data.lstrip()[:1] != b"{":
        raise Invalid(str(path), "is no campaign's bundle", "name the file that yosegi campaign export wrote")
    try:
        return read_bundle(data)
    except Invalid as error:
        raise Corrupt(str(path), str(error), "get it again from the campaign's home site") from None
