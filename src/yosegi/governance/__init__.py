"""Who may do what: charter, agreements, policy, grants, mandates and approvals."""

from yosegi.governance.agreement import Agreement, accept_agreement
from yosegi.governance.approvals import Approval, ApprovalRefused, ApprovalsView, accept_approval, is_approved
from yosegi.governance.charter import Charter, Member, Named, Team, Threshold, accept
from yosegi.governance.decision import Decision, Note
from yosegi.governance.directory import Directory
from yosegi.governance.grant import Grant, GrantExceeded, GrantRefused, Release, Tranche, accept_release
from yosegi.governance.grants import Balance, GrantsView, balance, grant_of, grants_of
from yosegi.governance.mandate import Mandate, MandateRefused, Right
from yosegi.governance.mandates import MandatesView, living
from yosegi.governance.policy import Policy, redecide
from yosegi.governance.question import Action, CapabilityFacts, Question
from yosegi.governance.roster import Roster
from yosegi.governance.statement import Carried, Listens, Outbound, Reach, Statement, accept_statement

__all__ = [
    "Charter",
    "Member",
    "Team",
    "Named",
    "Threshold",
    "accept",
    "Statement",
    "Reach",
    "Listens",
    "Outbound",
    "Carried",
    "accept_statement",
    "Roster",
    "Agreement",
    "accept_agreement",
    "Directory",
    "Policy",
    "Question",
    "Action",
    "CapabilityFacts",
    "Decision",
    "Note",
    "redecide",
    "Grant",
    "Tranche",
    "Release",
    "accept_release",
    "GrantsView",
    "Balance",
    "balance",
    "grant_of",
    "grants_of",
    "GrantExceeded",
    "GrantRefused",
    "Mandate",
    "Right",
    "MandateRefused",
    "MandatesView",
    "living",
    "Approval",
    "accept_approval",
    "ApprovalsView",
    "is_approved",
    "ApprovalRefused",
]
