"""The JSON face of a site: one module a noun, one line each in the table. It holds no rules."""

from fastapi import APIRouter

from yosegi.web.api import (
    alerts,
    approvals,
    bench,
    campaigns,
    capabilities,
    changes,
    erasures,
    governance,
    grants,
    instruments,
    mandates,
    objects,
    operations,
    peers,
    policy,
    programme,
    requests,
    samples,
    sessions,
    tasks,
)

ROUTERS: tuple[APIRouter, ...] = (
    peers.router,
    sessions.router,
    capabilities.router,
    campaigns.router,
    requests.router,
    tasks.router,
    approvals.router,
    bench.router,
    mandates.router,
    alerts.router,
    operations.router,
    objects.router,
    erasures.router,
    samples.router,
    instruments.router,
    grants.router,
    governance.router,
    policy.router,
    programme.router,
    changes.router,
)
"""Every module of the API."""
