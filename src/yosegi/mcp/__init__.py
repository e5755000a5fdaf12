"""What agents speak: a site's services as tools of the Model Context Protocol, with the right of a mandate and no more.

It holds no rules: each tool asks one service, which decides. It needs the extra `mcp`; a site without it has no such
face.
"""

from yosegi.mcp.http import AgentFace

__all__ = ["AgentFace"]
