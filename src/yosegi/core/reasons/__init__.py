"""Why something was refused, in words: a code for each reason, told in English and Japanese."""

from yosegi.core.reasons import _charters, _delegation, _documents, _grants, _objects, _people, _policies, _tasks  # noqa: F401  (each adds its reasons)
from yosegi.core.reasons._reason import REASONS, Language, Reason, Text, explain, reason

__all__ = ["REASONS", "Language", "Reason", "Text", "explain", "reason"]
