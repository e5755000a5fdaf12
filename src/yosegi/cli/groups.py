"""Groups of commands that need much of the program: what each command says of itself, so that listing imports none.

A command's module is imported when it is called. `tests/cli/test_help.py` holds the sentences against the commands.
"""

from __future__ import annotations

import click

from yosegi.cli._lazy import LazyGroup


@click.group(
    cls=LazyGroup,
    elsewhere={
        "admit": (
            "yosegi.cli.charters:admit",
            "Sign the charter in ANSWER, after its fingerprint was compared aloud, and welcome whoever sent it.",
        ),
        "diff": (
            "yosegi.cli.charters:diff",
            "Show what changes from one version of a charter to another, for people to read before they sign.",
        ),
        "export": (
            "yosegi.cli.charters:export",
            "Write the charter that is in force at a site, as it was signed, to a file.",
        ),
        "init": ("yosegi.cli.charters:init", "Make the unsigned first version of a charter from SOURCE, a TOML file."),
        "invite": (
            "yosegi.cli.charters:invite",
            "Invite an institution to charter CHARTER_ID: to found it with this site, or to join it.",
        ),
        "key": (
            "yosegi.cli.charters:key",
            "Show the governance keys of a site, or of the files named, as they stand in a charter; "
            "and their fingerprints.",
        ),
        "list": (
            "yosegi.cli.charters:list_",
            "List the charters a site lives in, running or not, with the version in force and who is in it.",
        ),
        "make-key": (
            "yosegi.cli.charters:make_key",
            "Make a further officer's pair of governance keys in the new FOLDER, and show them as they "
            "stand in a charter.",
        ),
        "propose": (
            "yosegi.cli.charters:propose",
            "Make the unsigned version after CURRENT; CHANGES is a TOML file of what becomes otherwise.",
        ),
        "publish": (
            "yosegi.cli.charters:publish_",
            "Verify DOCUMENTS, put them in force at a site, running or not, and pass them on to the "
            "members they concern.",
        ),
        "show": (
            "yosegi.cli.charters:show",
            "Show a charter, statement or agreement, and whose keys signed it; nothing is verified.",
        ),
        "sign": (
            "yosegi.cli.charters:sign",
            "Add a member's signatures to DOCUMENT, in place. Read it first: yosegi charter show DOCUMENT.",
        ),
        "state": (
            "yosegi.cli.charters:state",
            "State a site's keys and reach under a charter it lives in, for thirty days; its governance keys sign.",
        ),
        "verify": (
            "yosegi.cli.charters:verify",
            "Check a chain of charters, in order, offline: that each was signed under the rule before it and its own.",
        ),
    },
)
def charter() -> None:
    """Found a federation, change it, admit others to it.

    \b
    Each in the folder of its site, or with --home.
    In a hurry, two institutions, three files:
      yosegi charter invite ID --out invitation.json       the one
      yosegi site join invitation.json --out answer.json   the other
      yosegi charter admit answer.json --out welcome.json  the one
      yosegi site join welcome.json                        the other
    At `admit` the two compare the fingerprint aloud.
    At leisure:
      yosegi charter key                        to whoever writes the charter
      yosegi charter init charter.toml --out v1.json
      yosegi charter sign v1.json               each member in turn
      yosegi charter publish v1.json            each member
      yosegi charter state ID --out mine.json   each member; the others publish it
    A change; then sign it, then publish it at one site:
      yosegi charter propose v1.json changes.toml --out v2.json
    """


@click.group(
    cls=LazyGroup,
    elsewhere={
        "init": (
            "yosegi.cli.stations:init",
            "Make the FOLDER of a station: its key and its settings. Prints what to add to the site's site.toml.",
        ),
        "inspect": (
            "yosegi.cli.stations:inspect",
            "Say what the station of FOLDER sees of NAMES, and draft the Python of a capability to "
            "edit. Changes nothing.",
        ),
        "run": (
            "yosegi.cli.stations:run",
            "Run the station of FOLDER until Ctrl-C or SIGTERM, which are its safe stop.",
        ),
        "settle": (
            "yosegi.cli.stations:settle",
            "Say that the instrument of a station whose memory was lost or restored from a backup was looked at.",
        ),
    },
)
def station() -> None:
    """Run a station: it dials out to its own site only, holds no policy, and remembers by itself what it did."""


@click.group(
    cls=LazyGroup,
    elsewhere={
        "export": (
            "yosegi.cli.audits:export",
            "Write a site's ledger for an audit elsewhere: every header, no results; whose keys, "
            "witnesses and receipts are.",
        ),
        "verify": ("yosegi.cli.audits:verify", "Verify each of LEDGERS whole, and hold them against each other."),
    },
)
def audit() -> None:
    """Prove that nobody rewrote, cut short or forked a ledger, offline.

    \b
    yosegi audit verify HOME
    yosegi audit export --out lab-a.audit
    yosegi audit verify lab-a.audit lab-b.audit

    Every site keeps the receipts of those it deals with, and each hour their signed checkpoints. So each can show what
    another's ledger held, and no key helps whoever changes it afterwards.
    """


@click.group(
    cls=LazyGroup,
    elsewhere={
        "erase": (
            "yosegi.cli.suspensions:erase",
            "Erase a spill in TASK (home/owner/key), at a site that runs or not: what was asked, and what came of it.",
        ),
        "erasures": (
            "yosegi.cli.suspensions:erasures",
            "List what was erased or is to be: where it is gone, and who has not answered yet.",
        ),
        "export": (
            "yosegi.cli.incidents:export",
            "Print audit events for the institution's own log system: headers and facts, never bodies.",
        ),
        "lift": ("yosegi.cli.suspensions:lift", "Lift a suspension."),
        "list": ("yosegi.cli.suspensions:list_", "List what is suspended at this site, since when, by whom and why."),
        "report": (
            "yosegi.cli.incidents:report_",
            "Write a trace as a report signed by the site, with the proof that each line stands in its ledger.",
        ),
        "suspend": (
            "yosegi.cli.suspensions:suspend",
            "Bar KIND NAME at this site, at once, running or not: nothing new of it starts. Stopping is never barred.",
        ),
        "trace": (
            "yosegi.cli.incidents:trace_",
            "Say who touched what; or list what names SUBJECT NAME, and everything that depends on that.",
        ),
        "verify": (
            "yosegi.cli.incidents:verify",
            "Check a report offline: the site's signature, and that every line of it stands in that site's ledger.",
        ),
    },
)
def incident() -> None:
    """Find out what somebody or something touched, bar it here at once, and prove it later.

    \b
    yosegi incident trace person pi@lab-b --since 2026-11-20
    yosegi incident suspend site lab-b --why "a stolen key"
    yosegi incident report key ed25519-3f… --out report.json
    yosegi incident verify report.json

    trace, report and export read the ledger's file alone: beside a running site, from a backup, without a network.
    """
