"""What a face may ask of a site: catalogue, campaigns, tasks, decisions, and views that cross rooms."""

from yosegi.site.accounts import Account, Door, Session, add_account, read_accounts
from yosegi.site.catalogue import Catalogue, Listing
from yosegi.site.governing import Governing
from yosegi.site.law import SiteLaw
from yosegi.site.notices import Notices, to_log, to_webhook
from yosegi.site.office import Ask, Office, owner_said
from yosegi.site.site import Site

__all__ = [
    "Account",
    "Ask",
    "Catalogue",
    "Door",
    "Governing",
    "Listing",
    "Notices",
    "Office",
    "Session",
    "Site",
    "SiteLaw",
    "add_account",
    "owner_said",
    "read_accounts",
    "to_log",
    "to_webhook",
]
