"""The closed loop: a campaign's file, its fold, what it does next, and the engine that does it."""

from yosegi.campaign.decide import decide, enough
from yosegi.campaign.engine import Campaigns
from yosegi.campaign.findings import BadCampaign
from yosegi.campaign.folding import fold
from yosegi.campaign.mixing import propose, step_seed
from yosegi.campaign.planning import in_thread, inline
from yosegi.campaign.spec import CampaignSpec
from yosegi.campaign.spec_check import check_against
from yosegi.campaign.spec_file import parse_spec, read_spec
from yosegi.campaign.state import Campaign, campaign_stream
from yosegi.campaign.trial import Step, Trial

__all__ = [
    "BadCampaign",
    "Campaign",
    "CampaignSpec",
    "Campaigns",
    "Step",
    "Trial",
    "campaign_stream",
    "check_against",
    "decide",
    "enough",
    "fold",
    "in_thread",
    "inline",
    "parse_spec",
    "propose",
    "read_spec",
    "step_seed",
]
