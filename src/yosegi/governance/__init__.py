"""Who may do what: charter, agreements, policy, grants, mandates and approvals."""

from yosegi.governance.agreement import Agreement, Determination, ModelTerms, accept_agreement
from yosegi.governance.amend import Progress, differences, progress, successor
from yosegi.governance.approvals import Approval, ApprovalRefused, ApprovalsView, accept_approval, is_approved
from yosegi.governance.charter import Charter, Member, Named, Team, Threshold, accept, follow
from yosegi.governance.decision import Decision, Note
from yosegi.governance.directory import Directory
from yosegi.governance.foresight import Expectation, access, check_expectations, what_if
from yosegi.governance.grant import Grant, GrantExceeded, GrantRefused, Release, Tranche, accept_release
from yosegi.governance.grants import Balance, GrantsView, balance, grant_of, grants_of
from yosegi.governance.keyhistory import KeyHistory
from yosegi.governance.label import Label
from yosegi.governance.labels import combined, why_not_onward
from yosegi.governance.mandate import Mandate, MandateRefused, Right
from yosegi.governance.mandates import MandatesView
from yosegi.governance.policy import Policy, redecide
from yosegi.governance.question import Action, CapabilityFacts, Question
from yosegi.governance.roster import Roster
from yosegi.governance.statement import Carried, Listens, Outbound, Reach, Revoked, Statement, accept_statement

__all__ = [
    "Charter",
    "Member",
    "Team",
    "Named",
    "Threshold",
    "accept",
    "follow",
    "Progress",
    "progress",
    "successor",
    "differences",
    "Statement",
    "Reach",
    "Listens",
    "Outbound",
    "Carried",
    "accept_statement",
    "Revoked",
    "KeyHistory",
    "Roster",
    "Agreement",
    "Determination",
    "ModelTerms",
    "accept_agreement",
    "Directory",
    "Policy",
    "Question",
    "Action",
    "CapabilityFacts",
    "Decision",
    "Note",
    "redecide",
    "access",
    "what_if",
    "Expectation",
    "check_expectations",
    "Label",
    "combined",
    "why_not_onward",
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
    "Approval",
    "accept_approval",
    "ApprovalsView",
    "is_approved",
    "ApprovalRefused",
]
