"""Who may do what: charter, agreements, policy, grants, mandates and approvals."""

from yosegi.governance.agreements.agreement import Agreement, Determination, ModelTerms, accept_agreement
from yosegi.governance.agreements.label import Label
from yosegi.governance.agreements.labels import combined, why_not_onward
from yosegi.governance.charter.amendment import AmendmentProgress, differences, progress, successor
from yosegi.governance.charter.charter import Charter, Member, Named, Team, Threshold, accept, follow
from yosegi.governance.charter.key_history import KeyHistory
from yosegi.governance.charter.roster import Roster
from yosegi.governance.charter.statement import Carried, Listens, Outbound, Reach, Revoked, Statement, accept_statement
from yosegi.governance.grants.balances import Balance, GrantsView, balance, grant_of, grants_of
from yosegi.governance.grants.grant import Grant, GrantExceeded, GrantRefused, Release, Tranche, accept_release
from yosegi.governance.mandates.approvals import Approval, ApprovalRefused, ApprovalsView, accept_approval, is_approved
from yosegi.governance.mandates.mandate import Mandate, MandateRefused, Right
from yosegi.governance.mandates.view import MandatesView
from yosegi.governance.policy.decision import Decision, Note
from yosegi.governance.policy.directory import Directory
from yosegi.governance.policy.policy import Policy, redecide
from yosegi.governance.policy.question import Action, CapabilityFacts, Question
from yosegi.governance.policy.what_if import Expectation, access, check_expectations, what_if

__all__ = [
    "Charter",
    "Member",
    "Team",
    "Named",
    "Threshold",
    "accept",
    "follow",
    "AmendmentProgress",
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
