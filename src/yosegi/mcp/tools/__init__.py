"""Every tool, one module a noun and one line each in the table."""

from __future__ import annotations

from typing import Any

from yosegi.mcp.tool import Tool
from yosegi.mcp.tools import campaigns, capabilities, data, mandates, tasks

TOOLS: tuple[Tool[Any], ...] = (
    *capabilities.TOOLS,
    *data.TOOLS,
    *tasks.TOOLS,
    *campaigns.TOOLS,
    *mandates.TOOLS,
)
"""Every tool that does not depend on what is offered."""
