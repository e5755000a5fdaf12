"""What trust refuses."""

from __future__ import annotations

from typing import Any

from yosegi.core.errors import YosegiError
from yosegi.core.reasons import explain


class Untrusted(YosegiError):
    """A document, token or key that must not be believed.

    Args:
        what: the thing, e.g. `a request from riken`.
        reason: a reason code (`yosegi.core.reasons`).
        fields: what the reason's sentence names.
    """

    code = "untrusted"

    def __init__(self, what: str, reason: str, **fields: Any) -> None:
        self.what, self.reason, self.fields = what, reason, fields
        super().__init__(f"{what} is not accepted. {explain(reason, 'en', **fields)}")


class LooseKeyFile(YosegiError):
    """A private key that others on the machine could read."""

    code = "loose_key_file"

    def __init__(self, path: str, mode: int) -> None:
        self.path, self.mode = path, mode
        super().__init__(
            f"key file {path} has mode {mode:04o}: others could read it. Run chmod 600 on it, and replace the key "
            "if anyone may have copied it"
        )
