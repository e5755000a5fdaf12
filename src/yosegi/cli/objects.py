"""`yosegi object`: large data at a site."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yosegi.cli._files import check_outputs
from yosegi.cli._lazy import WholeGroup
from yosegi.cli.connection import client_of, with_site
from yosegi.cli.output import as_json, explained, say, show_erasure, show_json, show_table
from yosegi.core.contract_terms import SENSITIVITIES, Sensitivity

if TYPE_CHECKING:
    from yosegi.services.objects.schemas import ObjectSummary


@click.group("object", cls=WholeGroup)
def object_() -> None:
    """Bring large data to a site, look at it, and take it away.

    An object is known by its SHA-256. What a capability takes or returns that is larger than 64 KiB is one; it goes
    between the home of a task and its owner by itself, if both may have it.
    """


@object_.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--team", required=True, help="The team that it is for.")
@click.option("--media-type", default="", help="What kind of data, e.g. text/csv; by default from the file's name.")
@click.option("--label", type=click.Choice(list(SENSITIVITIES)), default="team", help="Who may see it.")
@click.option("--charter", default="", help="Under which charter; not needed where the site holds one.")
@with_site
@as_json
@explained
def put(file: Path, team: str, media_type: str, label: Sensitivity, charter: str, json_: bool, **site: Any) -> None:
    """Bring FILE to the site, and print the digest to name it by in a campaign file.

    \b
    Example: yosegi object put spectrum.h5 --team alloys
    """
    ref = client_of(**site).objects.put(file, team=team, media_type=media_type, label=label, charter=charter)
    if json_:
        show_json(ref)
    else:
        say(f"{ref.sha256}  {ref.size} bytes, {ref.media_type}, {ref.sensitivity}")


@object_.command()
@click.argument("sha256")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--overwrite", is_flag=True, help="Replace FILE where it is there.")
@with_site
@as_json
@explained
def get(sha256: str, file: Path, overwrite: bool, json_: bool, **site: Any) -> None:
    """Write the bytes of an object to FILE, verified; the beginning of its digest is enough.

    \b
    Example: yosegi object get 9f86d081884c spectrum.h5
    """
    check_outputs({"FILE": file}, (), overwrite)
    objects = client_of(**site).objects
    found = objects.show(sha256)
    objects.get(found.sha256, file, overwrite=overwrite)
    if json_:
        show_json({"sha256": found.sha256, "file": str(file)})
    else:
        say(f"wrote {found.size} bytes to {file}")


@object_.command("list")
@click.option("--campaign", default="", help="Those of one campaign.")
@click.option("--task", default="", help="Those of one task, by its key.")
@with_site
@as_json
@explained
def list_(campaign: str, task: str, json_: bool, **site: Any) -> None:
    """List the objects that a site knows, the newest first.

    \b
    Example: yosegi object list --campaign anneal-2026
    """
    found = client_of(**site).objects.list(campaign=campaign, task=task)
    if json_:
        show_json(found)
        return
    rows = ((o.sha256[7:19], ", ".join(o.names), o.size, o.media_type, o.sensitivity, o.site, where(o)) for o in found)
    show_table(("sha256", "name", "bytes", "kind", "label", "made at", "here"), rows, empty="no objects")


def where(found: ObjectSummary) -> str:
    """Whether the bytes are here, in a word."""
    return "erased" if found.erased else "yes" if found.here else found.state or "no"


@object_.command()
@click.argument("sha256")
@with_site
@as_json
@explained
def show(sha256: str, json_: bool, **site: Any) -> None:
    """Show one object and every entry that names it; the beginning of its digest is enough.

    \b
    Example: yosegi object show 9f86d081884c
    """
    found = client_of(**site).objects.show(sha256)
    if json_:
        show_json(found)
        return
    said = found.plain()
    for key in ("sha256", "size", "media_type", "sensitivity", "site", "sources", "teams", "since"):
        say(f"{key:12} {said[key] if said[key] not in ([], '') else 'none'}")
    say(f"{'here':12} {where(found)}")
    rows = ((h.time, h.kind, h.stream, h.peer or "", h.actor) for h in found.history)
    show_table(("time", "what", "where", "other site", "by"), rows)


@object_.command()
@with_site
@as_json
@explained
def collect(json_: bool, **site: Any) -> None:
    """Take away bytes that no entry names and that are older than a day. For operators.

    \b
    Example: yosegi object collect
    """
    done = client_of(**site).objects.collect()
    if json_:
        show_json(done)
    else:
        say(f"{done.collected} objects, {done.bytes} bytes taken away")


@object_.command()
@click.argument("sha256")
@click.option("--why", required=True, help="For the record.")
@with_site
@as_json
@explained
def erase(sha256: str, why: str, json_: bool, **site: Any) -> None:
    """Take an object's bytes away for good, here and at every site that has them. For the security officer.

    Each site that got it from here, or gave it, is asked by a signed request, passes it on to those it gave it to, and
    signs what was done. The entries that name it stay. Said again, it asks again whoever has not answered:
    `yosegi incident erasures` lists them.

    \b
    Example: yosegi object erase 9f86d081884c --why "sent by mistake"
    """
    objects = client_of(**site).objects
    show_erasure(objects.erase(objects.show(sha256).sha256, why), json_)
