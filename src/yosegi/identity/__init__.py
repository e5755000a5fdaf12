"""Who a person is at their own site: accounts, sessions, OpenID Connect, device login."""
