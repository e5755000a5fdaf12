"""Tasks, their effects, and the engines and stations that do the work."""

from yosegi.runner.owner import Law, Owner, Published
from yosegi.runner.tasks import Task, TaskView, fold, task_stream

__all__ = ["Law", "Owner", "Published", "Task", "TaskView", "fold", "task_stream"]
