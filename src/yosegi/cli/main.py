"""`yosegi`: one command for every verb of a site."""

from __future__ import annotations

import click

from yosegi.app.compose import VERSION
from yosegi.cli.agreements import agreement
from yosegi.cli.bundles import replay, verify
from yosegi.cli.campaigns import campaign
from yosegi.cli.capabilities import capability
from yosegi.cli.charters import charter
from yosegi.cli.demo import demo
from yosegi.cli.objects import object_
from yosegi.cli.policies import policy
from yosegi.cli.signing_in import sign_in, sign_out
from yosegi.cli.sites import site
from yosegi.cli.stations import station
from yosegi.cli.tasks import task
from yosegi.cli.try_ import try_


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(VERSION.split()[1], prog_name="yosegi")
def main() -> None:
    r"""Laboratories of different institutions put one question to the whole federation.

    \b
    See it work:          yosegi demo
    Have only a file:     yosegi try candidates.csv
    Run a site:           yosegi site init, yosegi site serve
    Ask a question:       yosegi campaign start spec.toml
    Check what happened:  yosegi verify bundle.json
    """


VERBS = (demo, campaign, capability, charter, agreement, policy, object_, task, site, station, verify, replay, try_)
for command in (*VERBS, sign_in, sign_out):
    main.add_command(command)
