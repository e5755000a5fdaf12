"""The act with an agent: it finds, is refused, waits for a person, runs a short campaign, and ends with its mandate."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

import anyio
import httpx2
from mcp import Client
from mcp.client.auth.extensions.client_credentials import PrivateKeyJWTOAuthProvider, SignedJWTParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

from yosegi.core.clock import SystemClock
from yosegi.demo.plan import CHARTER, TEAM
from yosegi.demo.story import Story
from yosegi.governance.mandates.approvals import Approval
from yosegi.trust.signer import Ed25519Signer

MIX = "nims/colour.mix@1"
RECIPE = {"red": 30.0, "yellow": 60.0, "blue": 10.0, "water": 50.0}
WELL: dict[str, Any] = {"charter": CHARTER, "team": TEAM, "capability": MIX, "inputs": RECIPE}
OVER = ("ended", "refused", "cancelled", "uncertain")
TERMS: dict[str, Any] = {
    "charter": CHARTER,
    "team": TEAM,
    "capabilities": ["nims/colour.*", "riken/colour.*"],
    "purposes": ["research", "teaching"],
    "days": 1.0,
    "budget": {"samples": "2", "instrument_h": "1", "node_h": "1"},
    "tasks": 40,
    "calls": 400,
}


class _Tokens:
    """Tokens of the agent's client, in memory."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.info: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.info

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.info = client_info


class AgentAct:
    """One agent of pi@argonne, called `explorer`, with a key of its own."""

    def __init__(self, story: Story, spec: str) -> None:
        self._story, self._spec = story, spec
        self._name = f"explorer-{secrets.token_hex(3)}"
        self._base = story.urls["argonne"]
        self._tokens = _Tokens()

    def play(self) -> None:
        """Give the mandate, let the agent act, and end it."""
        pi = self._story.client("pi@argonne")
        key = self._story.folder / f"{self._name}.key"
        signer = Ed25519Signer.generate()
        signer.save(key)
        pi.mandates.give(TERMS | {"id": self._name, "agent": self._name, "agent_key": signer.public.public})
        self._story.say(f"pi@argonne gave the agent {self._name} a mandate for a day: 2 wells, 40 tasks, 400 calls")
        anyio.run(self._act, key.read_text(encoding="utf-8"))
        calls = pi.mandates.activity(self._name)
        pi.mandates.cancel(self._name, "shown")
        self._story.say(f"{calls.calls} calls of the agent are on record; its mandate is ended")
        status = httpx2.post(
            f"{self._base}/mcp", headers=self._bearer(), json={}, timeout=60, trust_env=False
        ).status_code
        self._story.say(f"its next call is answered with status {status}")
        self._story.found["agent"] = {"name": self._name, "calls": calls.calls, "after": status}

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._tokens.tokens.access_token if self._tokens.tokens else ''}"}

    async def _act(self, pem: str) -> None:
        name = f"{self._name}/pi@argonne"
        signing = SignedJWTParameters(issuer=name, subject=name, signing_key=pem, signing_algorithm="EdDSA")
        auth = PrivateKeyJWTOAuthProvider(
            f"{self._base}/mcp", self._tokens, name, signing.create_assertion_provider(), issuer=self._base
        )
        async with (
            httpx2.AsyncClient(auth=auth, timeout=120, trust_env=False) as http,
            Client(streamable_http_client(f"{self._base}/mcp", http_client=http)) as client,
        ):
            found = await self._call(client, "find_capabilities", {"text": "colour", "usable_only": True})
            refs = [one["capability"] for one in found["capabilities"]]
            self._story.say(f"the agent found {', '.join(refs)}")
            await self._refused(client)
            await self._approved(client)
            await self._campaign(client)

    async def _refused(self, client: Client) -> None:
        key = f"{self._name}-class"
        told = await self._call(client, "ask_task", WELL | {"purpose": "teaching", "key": key})
        while told["state"] not in OVER:
            told = await self._call(client, "get_task", {"owner": "nims", "key": key, "wait_seconds": 10})
        why = next((reason["en"] for reason in told["reasons"]), "no reason was given")
        self._story.say(f"it asked for a well for teaching, which was {told['state']}: {why}")

    async def _approved(self, client: Client) -> None:
        key = f"{self._name}-well"
        await self._call(client, "ask_task", WELL | {"conduct": "approve", "key": key})
        waits: dict[str, Any] = {}
        while not waits.get("waits_for_approval"):
            waits = await self._call(client, "get_task", {"owner": "nims", "key": key, "wait_seconds": 5})
        self._story.say(f"its well waits for a person; exactly this is approved: {waits['approved_is'][:23]}…")
        await anyio.to_thread.run_sync(self._approve, key)
        while waits["state"] not in OVER:
            waits = await self._call(client, "get_task", {"owner": "nims", "key": key, "wait_seconds": 10})
        self._story.say(f"operator@nims approved it with a key of their own, and the task is {waits['state']}")

    def _approve(self, key: str) -> None:
        operator = self._story.client("operator@nims")
        asked = operator.tasks.asked(f"argonne/{key}")
        now = SystemClock().now()
        yes = Approval(
            charter=asked.charter,
            site=asked.site,
            id=secrets.token_hex(8),
            person="operator@nims",
            request=asked.request,
            contract=asked.contract,
            issued=now,
            not_after=now + timedelta(hours=1),
        )
        signer = Ed25519Signer.load(self._story.folder / "nims" / "people" / "operator@nims.key")
        operator.tasks.approve(f"argonne/{key}", yes.sign(signer))

    async def _campaign(self, client: Client) -> None:
        name = f"colour-{self._name}"
        await self._call(client, "start_campaign", {"spec": short_campaign(self._spec, name)})
        state: dict[str, Any] = {"state": "running"}
        while state["state"] in ("running", "stopping"):
            await anyio.sleep(0.5)
            state = await self._call(client, "get_campaign", {"name": name})
        best = f"best {state['best']['value']:.4g}" if state["best"] else "none could be measured"
        self._story.say(f"its campaign of {state['ended']} simulations has {state['state']}: {best}")

    @staticmethod
    async def _call(client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        answer = await client.call_tool(tool, arguments)
        found: dict[str, Any] = answer.structured_content
        if answer.is_error:
            raise RuntimeError(f"{tool}: {found}")
        return found


def short_campaign(spec: str, name: str) -> str:
    """The demonstration's campaign with the simulation alone, six trials, and points of the small search."""
    head, _, _ = spec.partition("[[source]]")
    head = head.replace('name = "colour"', f'name = "{name}"', 1).replace("seed = 2026", "seed = 7", 1)
    head = head.replace("target = 2.0\ntrials = 60", "trials = 6", 1)
    head = head.replace('samples = "80"\ninstrument_h = "5"', 'node_h = "1"', 1)
    agent = '\n[agent]\nname = "search"\nmix = "alternate"\nwait = 5.0\n'
    source = (
        '\n[[source]]\nname = "simulation"\nprice = 1.0\n\n'
        '[[source.step]]\nname = "simulate"\ncapability = "riken/colour.simulate@1"\n'
    )
    return head.replace("parallel = 2", 'parallel = 2\nproposer = "agent"', 1) + agent + source
