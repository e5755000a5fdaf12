"""Prompts for the common jobs: this program's own words, filled in with names of a checked form."""

from __future__ import annotations

import re
from collections.abc import Mapping

import mcp_types as types
from mcp import MCPError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9@/._:-]{0,129}")


def _prompt(name: str, title: str, description: str, *arguments: tuple[str, str]) -> types.Prompt:
    given = [types.PromptArgument(name=n, description=said, required=True) for n, said in arguments]
    return types.Prompt(name=name, title=title, description=description, arguments=given)


PROMPTS = (
    _prompt(
        "find_a_way",
        "Find a way to answer a question",
        "Look for capabilities that could answer a question, and say which may be used and why not the rest.",
    ),
    _prompt(
        "plan_a_campaign",
        "Plan a campaign",
        "Write a campaign file over a capability, check it, and have a person look at it before it starts.",
        ("capability", "site/name@version"),
    ),
    _prompt(
        "propose_for_a_campaign",
        "Propose points for a campaign",
        "Read a campaign's problem and history, state hypotheses and propose points for them.",
        ("campaign", "its name"),
    ),
    _prompt(
        "report_on_a_campaign",
        "Report on a campaign",
        "Say what a campaign found, at what cost, and against which baseline.",
        ("campaign", "its name"),
    ),
)

_TEXTS = {
    "find_a_way": "Ask me for the question. Then call who_am_i and find_capabilities, describe the two or three that "
    "fit best, and call preflight for each. Say for each whether I may use it, what it costs and, if not, why not and "
    "who can change it. Ask for nothing.",
    "plan_a_campaign": "Call describe_capability for {capability} and preflight for it. Write a campaign file with a "
    'baseline, a budget and a stop rule, conduct = "suggest". Show it to me before you call start_campaign.',
    "propose_for_a_campaign": "Read yosegi://campaigns/{campaign}/problem, history and budget. State at most three "
    "hypotheses that a point could refute, each with the outcome that you expect, and call propose_points with one "
    "point for each. Do not repeat a point that was measured.",
    "report_on_a_campaign": "Call get_campaign and get_trials for {campaign}. Report what was asked, the best result "
    "with its error, what it cost, the baseline, what failed, and what stays open. Give numbers with units.",
}


def get(name: str, arguments: Mapping[str, str]) -> types.GetPromptResult:
    """A prompt, filled in.

    Raises:
        MCPError: none of that name, or an argument that is no name.
    """
    found = next((prompt for prompt in PROMPTS if prompt.name == name), None)
    if found is None:
        raise MCPError(types.INVALID_PARAMS, "there is no prompt of that name")
    wanted = [argument.name for argument in found.arguments or ()]
    if sorted(arguments) != sorted(wanted) or not all(_NAME.fullmatch(arguments[n]) for n in wanted):
        raise MCPError(types.INVALID_PARAMS, f"the prompt {name} takes exactly: {', '.join(wanted) or 'nothing'}")
    text = _TEXTS[name].format(**arguments)
    message = types.PromptMessage(role="user", content=types.TextContent(text=text))
    return types.GetPromptResult(description=found.description, messages=[message])
