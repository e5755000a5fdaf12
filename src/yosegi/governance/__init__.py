"""Who may do what: charter, agreements, policy, grants, mandates and approvals."""
