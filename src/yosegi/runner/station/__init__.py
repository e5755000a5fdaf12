"""The station: a process beside an instrument that dials out to its own site, holds no policy, and does the work."""

from yosegi.runner.station.documents import Offer, StationAnswer, StationCall
from yosegi.runner.station.hand import DirectHand, Hand, ProcessHand
from yosegi.runner.station.intents import IntentLog, LogFailed, StationInUse
from yosegi.runner.station.run import StationFile, run_station
from yosegi.runner.station.station import Link, Pace, Station

__all__ = [
    "DirectHand",
    "Hand",
    "IntentLog",
    "Link",
    "LogFailed",
    "Offer",
    "Pace",
    "ProcessHand",
    "Station",
    "StationAnswer",
    "StationCall",
    "StationFile",
    "StationInUse",
    "run_station",
]
