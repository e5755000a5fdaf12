"""The station: a process beside an instrument that dials out to its own site, holds no policy, and does the work."""

from yosegi.execution.engines.station.documents import StationAnswer, StationCall, WorkOffer
from yosegi.execution.station.executor import DirectExecutor, ProcessExecutor, StationExecutor
from yosegi.execution.station.intents import IntentLog, LogFailed, StationInUse
from yosegi.execution.station.run import StationFile, run_station
from yosegi.execution.station.station import Pace, SiteConnection, Station

__all__ = [
    "DirectExecutor",
    "StationExecutor",
    "IntentLog",
    "SiteConnection",
    "LogFailed",
    "WorkOffer",
    "Pace",
    "ProcessExecutor",
    "Station",
    "StationAnswer",
    "StationCall",
    "StationFile",
    "StationInUse",
    "run_station",
]
