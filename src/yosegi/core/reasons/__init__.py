"""Why something was refused, in words: a code for each reason, told in English and Japanese."""

from yosegi.core.messages import Language, Text
from yosegi.core.reasons._reason import Reason, explain, phrase, reason, refusal, texts
from yosegi.core.reasons.codes import CODES

__all__ = ["CODES", "Language", "Reason", "Text", "explain", "phrase", "reason", "refusal", "texts"]
