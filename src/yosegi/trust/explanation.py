"""Why something was refused or went wrong, as it travels between sites and to people."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from yosegi.core.values import Value

Text = Annotated[str, StringConstraints(max_length=2000)]


class Explanation(Value):
    """Why something was refused or went wrong: a code, and words for people in both languages.

    The words stand here because the reader may not have the writer's policies. `contact` is who can change it.
    """

    code: Annotated[str, StringConstraints(max_length=120)]
    en: Text = ""
    ja: Text = ""
    contact: Text = ""
