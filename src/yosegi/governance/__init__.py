"""Who may do what: charter, agreements, policy, grants, mandates and approvals.

Each name is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from yosegi.core.lazy_names import lazy_names

if TYPE_CHECKING:
    from yosegi.governance.agreements.agreement import Agreement as Agreement
    from yosegi.governance.agreements.agreement import Determination as Determination
    from yosegi.governance.agreements.agreement import ModelTerms as ModelTerms
    from yosegi.governance.agreements.agreement import accept_agreement as accept_agreement
    from yosegi.governance.agreements.label import Label as Label
    from yosegi.governance.agreements.labels import combined as combined
    from yosegi.governance.agreements.labels import why_not_onward as why_not_onward
    from yosegi.governance.charter.amendment import AmendmentProgress as AmendmentProgress
    from yosegi.governance.charter.amendment import differences as differences
    from yosegi.governance.charter.amendment import progress as progress
    from yosegi.governance.charter.amendment import successor as successor
    from yosegi.governance.charter.charter import Charter as Charter
    from yosegi.governance.charter.charter import Member as Member
    from yosegi.governance.charter.charter import Named as Named
    from yosegi.governance.charter.charter import Team as Team
    from yosegi.governance.charter.charter import Threshold as Threshold
    from yosegi.governance.charter.charter import accept as accept
    from yosegi.governance.charter.charter import follow as follow
    from yosegi.governance.charter.key_history import KeyHistory as KeyHistory
    from yosegi.governance.charter.roster import Roster as Roster
    from yosegi.governance.charter.statement import Carried as Carried
    from yosegi.governance.charter.statement import Listens as Listens
    from yosegi.governance.charter.statement import Outbound as Outbound
    from yosegi.governance.charter.statement import Reach as Reach
    from yosegi.governance.charter.statement import Revoked as Revoked
    from yosegi.governance.charter.statement import Statement as Statement
    from yosegi.governance.charter.statement import accept_statement as accept_statement
    from yosegi.governance.grants.balances import Balance as Balance
    from yosegi.governance.grants.balances import GrantsView as GrantsView
    from yosegi.governance.grants.balances import balance as balance
    from yosegi.governance.grants.balances import grant_of as grant_of
    from yosegi.governance.grants.balances import grants_of as grants_of
    from yosegi.governance.grants.grant import Grant as Grant
    from yosegi.governance.grants.grant import GrantExceeded as GrantExceeded
    from yosegi.governance.grants.grant import GrantRefused as GrantRefused
    from yosegi.governance.grants.grant import Release as Release
    from yosegi.governance.grants.grant import Tranche as Tranche
    from yosegi.governance.grants.grant import accept_release as accept_release
    from yosegi.governance.mandates.approvals import Approval as Approval
    from yosegi.governance.mandates.approvals import ApprovalRefused as ApprovalRefused
    from yosegi.governance.mandates.approvals import ApprovalsView as ApprovalsView
    from yosegi.governance.mandates.approvals import accept_approval as accept_approval
    from yosegi.governance.mandates.approvals import is_approved as is_approved
    from yosegi.governance.mandates.mandate import Mandate as Mandate
    from yosegi.governance.mandates.mandate import MandateRefused as MandateRefused
    from yosegi.governance.mandates.mandate import Right as Right
    from yosegi.governance.mandates.view import MandatesView as MandatesView
    from yosegi.governance.policy.decision import Decision as Decision
    from yosegi.governance.policy.decision import Note as Note
    from yosegi.governance.policy.directory import Directory as Directory
    from yosegi.governance.policy.policy import Policy as Policy
    from yosegi.governance.policy.policy import redecide as redecide
    from yosegi.governance.policy.question import Action as Action
    from yosegi.governance.policy.question import CapabilityFacts as CapabilityFacts
    from yosegi.governance.policy.question import Question as Question
    from yosegi.governance.policy.what_if import Expectation as Expectation
    from yosegi.governance.policy.what_if import access as access
    from yosegi.governance.policy.what_if import check_expectations as check_expectations
    from yosegi.governance.policy.what_if import what_if as what_if

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

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "agreements.agreement": ("Agreement", "Determination", "ModelTerms", "accept_agreement"),
        "agreements.label": ("Label",),
        "agreements.labels": ("combined", "why_not_onward"),
        "charter.amendment": ("AmendmentProgress", "differences", "progress", "successor"),
        "charter.charter": ("Charter", "Member", "Named", "Team", "Threshold", "accept", "follow"),
        "charter.key_history": ("KeyHistory",),
        "charter.roster": ("Roster",),
        "charter.statement": ("Carried", "Listens", "Outbound", "Reach", "Revoked", "Statement", "accept_statement"),
        "grants.balances": ("Balance", "GrantsView", "balance", "grant_of", "grants_of"),
        "grants.grant": ("Grant", "GrantExceeded", "GrantRefused", "Release", "Tranche", "accept_release"),
        "mandates.approvals": ("Approval", "ApprovalRefused", "ApprovalsView", "accept_approval", "is_approved"),
        "mandates.mandate": ("Mandate", "MandateRefused", "Right"),
        "mandates.view": ("MandatesView",),
        "policy.decision": ("Decision", "Note"),
        "policy.directory": ("Directory",),
        "policy.policy": ("Policy", "redecide"),
        "policy.question": ("Action", "CapabilityFacts", "Question"),
        "policy.what_if": ("Expectation", "access", "check_expectations", "what_if"),
    },
)
