"""Who may be named to do a task of this site by hand."""

from __future__ import annotations

from dataclasses import dataclass

from yosegi.core.errors import Invalid, Refused
from yosegi.governance.policy.explanation import explained
from yosegi.identity.accounts import Role, Session
from yosegi.identity.authentication import Authenticator
from yosegi.services.authorization.service import Authorizer


@dataclass
class PeopleHere:
    """The people who can sign in at this site, and whose work they may do.

    Args:
        by_provider: whether an institution's provider vouches for people who have no account here.
    """

    authenticator: Authenticator
    authorizer: Authorizer
    by_provider: bool

    def check(self, what: str, person: str, charter: str, team: str) -> None:
        """See that a person may enter the result of a team's task here, who need not be signed in now.

        Args:
            what: what is done, for the refusal.
            person: who is named.
            charter: of the task.
            team: of the task.

        Raises:
            Invalid: nobody of that name may sign in here now; why, is for those who run the site.
            Refused: the team is not theirs, and they do not run the site.
        """
        role = self._role(person)
        if role is None or self.authorizer.refuses(person):
            raise Invalid(person, f"nobody of that name may sign in at {self.authorizer.site}", "name another person")
        if not self.authorizer.may_see(charter, team, Session(person, role, until=0.0, form_token="")):
            told = explained("not_in_team", person=person, team=team)
            raise Refused(what, (told.code,), ((told.en, told.ja),))

    def _role(self, person: str) -> Role | None:
        account = self.authenticator.accounts.get(person)
        if account is not None:
            return None if account.disabled else account.role
        known = self.by_provider and self.authorizer.vouches(person) and self.authorizer.teams_of(person)
        return "member" if known else None
