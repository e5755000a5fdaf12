"""Access tokens of the institution's provider (RFC 9068): a program calls with one, and no session is opened.

A token is believed for as long as it says and no longer; it is never kept. What it allows is what the person's account
or groups allow here, as at a sign-in with the same provider.
"""

from __future__ import annotations

from dataclasses import dataclass

from yosegi.identity.accounts import Session
from yosegi.identity.authentication import Authenticator
from yosegi.identity.oidc_claims import InstitutionSignIn


@dataclass(frozen=True, slots=True)
class AccessTokens:
    """Who calls with a token that the institution's provider gave out for this site.

    Args:
        audience: what the token must be for, exactly.
    """

    institution: InstitutionSignIn
    authenticator: Authenticator
    audience: str

    async def session(self, token: str) -> Session:
        """Who holds the token.

        Raises:
            Refused: `not_signed_in` if it may not be believed or has ended; otherwise why the person is not let in.
            Unavailable: the provider does not answer.
        """
        openid = self.institution.openid
        claims = await openid.access_claims(token, self.audience)
        person, role = self.institution.admission.admit(claims, self.authenticator.accounts)
        who = self.authenticator.vouched_for(person, role, openid.client.issuer)
        return Session(who.person, who.role, float(claims["exp"]), "", issuer=who.issuer)
