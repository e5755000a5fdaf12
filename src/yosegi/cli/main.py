"""`yosegi`: one command for every verb of a site. A verb's module is imported when it is called."""

from __future__ import annotations

import gc
import os

import click

from yosegi.cli._lazy import imported

PRIVATE = 0o077
"""What every command takes from the files that it makes: homes, backups and exports are their owner's alone."""
NEW_OBJECTS = 50_000
"""After how many the garbage collector looks (`gc.set_threshold`). Most of a command's time is imports, whose objects
stay: at Python's 700, looking through them is a twelfth of a site's start."""
INTERRUPTED = 130
"""The status at Ctrl-C, as shells have it: 128 and the number of SIGINT."""
VERBS = {
    "demo": (
        "yosegi.cli.demo_command:demo",
        "Run a federation of three sites and a robot on this machine, and a campaign to its answer.",
    ),
    "try": ("yosegi.cli.try_:try_", "Propose what to measure next from TABLE, a CSV file and nothing else."),
    "campaign": ("yosegi.cli.campaigns:campaign", "Put a question to the federation, and follow it to its answer."),
    "capability": (
        "yosegi.cli.capabilities:capability",
        "See what the federation can do, and what a function of yours would promise.",
    ),
    "task": (
        "yosegi.cli.tasks:task",
        "Look at tasks that others asked of this site, settle the uncertain ones, and ask others for one.",
    ),
    "object": ("yosegi.cli.objects:object_", "Bring large data to a site, look at it, and take it away."),
    "sample": (
        "yosegi.cli.samples:sample",
        "Say what was made, where it is and who holds it; hand a sample over to another site, and receive one.",
    ),
    "instrument": (
        "yosegi.cli.instruments:instrument",
        "See when an instrument may be used and who has it; reserve it; state windows; take it back and give it back.",
    ),
    "verify": (
        "yosegi.cli.bundles:verify",
        "Check a campaign's bundle offline: signatures, proofs, receipts, and that its story is what owners signed.",
    ),
    "replay": (
        "yosegi.cli.bundles:replay",
        "Give a campaign's recorded results to the planner again, and compare each decision with the one recorded.",
    ),
    "site": ("yosegi.cli.sites:site", "Make, serve and look after the site of one institution."),
    "engine": (
        "yosegi.cli.engines:engine",
        "See which kinds of engines are installed, and the settings of each, for [engine.NAME] in site.toml.",
    ),
    "station": (
        "yosegi.cli.groups:station",
        "Run a station: it dials out to its own site only, holds no policy, and remembers by itself what it did.",
    ),
    "charter": ("yosegi.cli.groups:charter", "Found a federation, change it, admit others to it."),
    "agreement": (
        "yosegi.cli.agreements:agreement",
        "Agree on what some teams may use: one writes it, its parties sign it, and it is in force at all of them.",
    ),
    "grant": (
        "yosegi.cli.grants:grant",
        "Give a team amounts of what this site owns, in tranches; move them, take them back, see what is left.",
    ),
    "usage": (
        "yosegi.cli.grants:usage_",
        "Show what tasks held and spent at this site: by funder, team, agreement and campaign, or as you ask.",
    ),
    "audit": ("yosegi.cli.groups:audit", "Prove that nobody rewrote, cut short or forked a ledger, offline."),
    "incident": (
        "yosegi.cli.groups:incident",
        "Find out what somebody or something touched, bar it here at once, and prove it later.",
    ),
    "policy": ("yosegi.cli.policies:policy", "Ask before you act; look after the site's own rules."),
    "approval": (
        "yosegi.cli.approvals:approval",
        "See what waits for a person's approval at a site, and give or refuse it.",
    ),
    "mandate": (
        "yosegi.cli.mandates:mandate",
        "Let a campaign or an agent act for you until a time, within a budget; end it at once.",
    ),
    "agent": (
        "yosegi.cli.mandates:agent",
        "Let a program act for you with a key of its own, under a mandate: never more than you, never an approval.",
    ),
    "mcp": (
        "yosegi.cli.mcp_:mcp",
        "Serve a site's tools over standard input and output, as clients of the Model Context Protocol start them.",
    ),
    "sign-in": (
        "yosegi.cli.signing_in:sign_in",
        "Sign in at a site through its pages: with your institution's account, or with a passphrase.",
    ),
    "sign-out": (
        "yosegi.cli.signing_in:sign_out",
        "End the sign-in at a site that `yosegi sign-in` kept here.",
    ),
}
"""Where each verb is, and the first sentence of its help, so that listing them imports none."""


class Verbs(click.Group):
    """A group whose commands are found in `VERBS`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note whether errors are to be JSON: also those of a command that could not be read."""
        ctx.meta["yosegi.in_json"] = "--json" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Call a verb; say what a call lacks as JSON if asked, and end at Ctrl-C as programs do."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            if not ctx.meta["yosegi.in_json"]:
                raise
            from yosegi.cli.output import Failed

            raise Failed(error.format_message(), "usage", in_json=True) from None
        except KeyboardInterrupt:
            from yosegi.cli.output import say

            say("interrupted", err=True)
            ctx.exit(INTERRUPTED)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every verb, the commonest first."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One verb."""
        if cmd_name not in VERBS:
            return None
        return imported(VERBS[cmd_name][0])

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in VERBS.items()])


if "_YOSEGI_COMPLETE" in os.environ:
    import yosegi.cli._completion  # noqa: F401 - how bash is answered, which no other call needs


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="yosegi", prog_name="yosegi")
def main() -> None:
    """Laboratories of different institutions put one question to the whole federation.

    \b
    See it work:          yosegi demo
    Have only a file:     yosegi try candidates.csv
    Run a site:           yosegi site init, yosegi site serve
    Ask a question:       yosegi campaign start spec.toml
    Check what happened:  yosegi verify anneal.yosegi
    """
    os.umask(PRIVATE)
    gc.set_threshold(NEW_OBJECTS)
