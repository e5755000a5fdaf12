"""The planner: what to measure next, a pure function of a problem, its history and a seed."""

from yosegi.planner.candidates import Candidates
from yosegi.planner.errors import BadProblem, NoFeasiblePoint, PlannerError, UnknownPlanner
from yosegi.planner.history import Earlier, Observation, Pending, Status
from yosegi.planner.objective import Caution, Objective, OutcomeConstraint, Source, Stop
from yosegi.planner.parameter import Cost, Linear, Parameter, simplex
from yosegi.planner.problem import Problem
from yosegi.planner.proposal import Expected, Proposal
from yosegi.planner.situation import Situation
from yosegi.planner.stop import Stopping, best_loss, cost_so_far, should_stop
from yosegi.planner.suggest import PLANNERS, Planner, suggest
from yosegi.planner.versions import versions

__all__ = [
    "suggest",
    "should_stop",
    "Stopping",
    "best_loss",
    "cost_so_far",
    "Problem",
    "Parameter",
    "Linear",
    "simplex",
    "Candidates",
    "Objective",
    "OutcomeConstraint",
    "Caution",
    "Source",
    "Cost",
    "Stop",
    "Observation",
    "Status",
    "Pending",
    "Earlier",
    "Proposal",
    "Expected",
    "Planner",
    "PLANNERS",
    "Situation",
    "versions",
    "PlannerError",
    "BadProblem",
    "NoFeasiblePoint",
    "UnknownPlanner",
]
