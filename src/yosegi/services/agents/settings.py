"""Settings of the agents' tools and of agents that a site runs: `[agents]` in site.toml."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, model_validator

from yosegi.core.identifiers import SiteId
from yosegi.core.values import Value
from yosegi.governance.agreements.agreement import Purpose

HERE = ("127.0.0.1", "localhost", "::1")


class EndpointSettings(Value):
    """A language model's endpoint that an agent of this site asks.

    Args:
        style: how it is spoken with: `openai` (chat completions, as many servers do) or `anthropic` (messages).
        url: of the operation itself, e.g. `https://llm.example/v1/chat/completions`.
        model: the model's name there.
        endpoint: what agreements call it; they say how sensitive the data may be that it sees.
        key_env: environment variable that holds the key, or `key_file` the file of the home folder; never here.
        timeout: seconds.
        price_in: of a million tokens sent, and `price_out` of a million received, in `currency`.
    """

    style: Literal["openai", "anthropic"]
    url: Annotated[str, StringConstraints(max_length=500)]
    model: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    endpoint: Purpose
    key_env: str = ""
    key_file: str = ""
    timeout: float = Field(default=60.0, gt=0, le=600)
    price_in: float = Field(default=0.0, ge=0)
    price_out: float = Field(default=0.0, ge=0)
    currency: Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")] = "usd"

    @model_validator(mode="after")
    def _is_safe(self) -> EndpointSettings:
        parts = urlsplit(self.url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in HERE):
            raise ValueError("url is not https, and not on this machine")
        if parts.username or parts.password:
            raise ValueError("url holds a password: name key_env or key_file instead")
        if self.key_env and self.key_file:
            raise ValueError("name either key_env or key_file")
        return self


class AgentSettings(Value):
    """What the tools for agents need to know, and the models that agents of this site ask."""

    addresses: tuple[Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$")], ...] = ()
    """Further addresses under which agents reach this site, e.g. through a proxy; the first is the one they are told.
    A token for another address is refused."""
    endpoint: dict[SiteId, EndpointSettings] = Field(default_factory=dict)
    """By the name under which a campaign names the agent that asks it."""
