"""The pages of a site: rendered here, live by one stream each, and steered by plain forms. They hold no rules."""

from fastapi import APIRouter

from yosegi.web.pages import (
    answers,
    asked,
    bench,
    campaigns,
    federation,
    institution,
    instruments,
    mandates,
    objects,
    programme,
    samples,
    search,
    sign_in,
    start,
    tasks,
)

ROUTERS: tuple[APIRouter, ...] = (
    sign_in.router,
    institution.router,
    federation.router,
    answers.router,
    start.router,
    campaigns.router,
    tasks.router,
    asked.router,
    search.router,
    bench.router,
    objects.router,
    samples.router,
    instruments.router,
    programme.router,
    mandates.router,
)
"""Every module of the pages."""
