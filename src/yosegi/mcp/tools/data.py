"""Finding data that this site knows."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from yosegi.core.identifiers import Digest
from yosegi.http.bodies import Body
from yosegi.mcp.tool import Call, Tool
from yosegi.services.answer import Answer
from yosegi.services.objects.schemas import ObjectDetail, ObjectSummary


class FindData(Body):
    """Of a campaign or a task alone, if one is given."""

    campaign: Annotated[str, Field(max_length=130)] = ""
    task: Annotated[str, Field(max_length=200)] = ""
    most: Annotated[int, Field(ge=1, le=100)] = 50


class DataFound(Answer):
    """The newest objects that the caller may see; `more` are older."""

    objects: tuple[ObjectSummary, ...]
    more: int


class DescribeData(Body):
    """One object."""

    sha256: Digest


async def find(call: Call, asked: FindData) -> DataFound:
    """Objects, the newest first."""
    found = call.site.objects.listing(call.who, campaign=asked.campaign, task=asked.task)
    return DataFound(objects=found[: asked.most], more=max(0, len(found) - asked.most))


async def describe(call: Call, asked: DescribeData) -> ObjectDetail:
    """One object and what names it."""
    return call.site.objects.show(asked.sha256, call.who)


TOOLS = (
    Tool(
        "find_data",
        "Find data",
        "List data objects of your teams that this site knows: digest, size, kind, label and where they came from.",
        FindData,
        DataFound,
        find,
    ),
    Tool(
        "describe_data",
        "Describe a data object",
        "Give one data object with every record that names it. Its bytes are not sent.",
        DescribeData,
        ObjectDetail,
        describe,
    ),
)
