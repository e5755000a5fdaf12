"""What a member of a federation is."""

from __future__ import annotations

from typing import Literal, get_args

MemberKind = Literal["laboratory", "facility", "university", "company", "funder"]
KINDS: tuple[MemberKind, ...] = get_args(MemberKind)
