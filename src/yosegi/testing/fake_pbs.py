"""A program that answers as qsub, qstat, qselect and qdel of PBS Professional do, and runs jobs on this machine.

Written from Altair's PBS Professional Reference Guide 2022.1 and OpenPBS's manual pages; the form of `qstat -F json`
and the messages are those that centres show in their documentation. It is no PBS: where the manuals are silent, what
it does is a guess.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

from yosegi.testing.fake_batch import FakeBatch, FakeJob, directives
from yosegi.testing.fake_batch import install as _install

COMMANDS = ("qsub", "qstat", "qselect", "qdel")
SERVER = "fake-pbs"
_VALUED = ("-N", "-l", "-r", "-j", "-o", "-e", "-S", "-A", "-q", "-W", "-v", "-P", "-p")
_SELECT = re.compile(r"select=(\d+):[a-z_]+=[\w.]+(?::[a-z_]+=[\w.]+)*")
_WALLTIME = re.compile(r"walltime=(\d+):(\d\d):(\d\d)")
_HISTORY = "Job has finished, use -x or -H to obtain historical job information"
_UNKNOWN, _FINISHED, _NO_CONNECTION = 153, 35, 111


def install(folder: Path) -> Path:
    """Put the commands into `folder/bin`; that folder."""
    return _install(folder, "yosegi.testing.fake_pbs", COMMANDS)


def _fail(words: str, status: int) -> int:
    print(words, file=sys.stderr)
    return status


def _options(words: list[str]) -> dict[str, str] | None:
    """Options by their letters, those of `-l` joined; None for one that qsub does not know."""
    found: dict[str, str] = {}
    while words:
        word = words.pop(0)
        if word not in _VALUED or not words:
            return None
        value = words.pop(0)
        found[word] = f"{found[word]},{value}" if word == "-l" and word in found else value
    return found


def qsub(batch: FakeBatch, argv: list[str]) -> int:
    """Take a job."""
    text = sys.stdin.read()
    options = _options([*directives(text, "#PBS"), *argv])
    if options is None:
        return _fail("usage: qsub [-a date_time] [-A account_string] ... [script | -- command [arg1 ...]]", 2)
    name = options.get("-N", "STDIN")
    if not re.fullmatch(r"[A-Za-z][\w.+-]{0,235}", name):
        return _fail("qsub: illegal -N value", 2)
    resources = options.get("-l", "")
    chunks, wall = _SELECT.search(resources), _WALLTIME.search(resources)
    if "select" in resources and chunks is None:
        return _fail("qsub: Illegal attribute or resource value Resource_List.select", 168)
    time.sleep(batch.switches().get("slow", 0))
    if refusal := batch.switches().get("refuse"):
        return _fail(f"qsub: {refusal}", 170)
    lost = f"qsub: cannot connect to server {SERVER} (errno={_NO_CONNECTION})"
    with batch.locked():
        before, after = batch.used_up("before"), False
        after = not before and batch.used_up("after")
    if before:
        return _fail(lost, _NO_CONNECTION)
    job = batch.take(
        text, name=name, out=options.get("-o", ""), options=options | {"nodes": chunks[1] if chunks else "1"},
        limit=float(int(wall[1]) * 3600 + int(wall[2]) * 60 + int(wall[3])) if wall else 3600.0,
        variables={"PBS_JOBID": f"NUMBER.{SERVER}", "PBS_JOBNAME": name, "PBS_ENVIRONMENT": "PBS_BATCH"},
    )  # fmt: skip
    if after:
        return _fail("qsub: End of File", 15033 % 256)
    print(f"{job['number']}.{SERVER}")
    return 0


def _described(job: FakeJob) -> dict[str, Any]:
    """A job as `qstat -f -F json` tells of it."""
    nodes = int(job["options"]["nodes"])
    used = int((job["ended"] or time.time()) - job["started"]) if job["started"] is not None else 0
    told: dict[str, Any] = {
        "Job_Name": job["name"], "Job_Owner": f"user@{SERVER}",
        "job_state": {"queued": "Q", "running": "R", "over": "F"}[job["state"]], "queue": "workq", "server": SERVER,
        "ctime": time.ctime(job["submitted"]), "qtime": time.ctime(job["submitted"]),
        "Resource_List": {"ncpus": nodes, "nodect": nodes, "walltime": _clock(int(job["limit"]))},
    }  # fmt: skip
    if job["started"] is not None:
        told |= {"stime": time.ctime(job["started"]), "resources_used": {"ncpus": nodes, "walltime": _clock(used)}}
    if job["state"] == "over" and job["started"] is not None:
        status = job["status"] if job["status"] >= 0 else 256 - job["status"]
        told["Exit_status"] = -29 if job["killed"] == "time" else status
        told["comment"] = f"Job run at {time.strftime('%a %b %d at %H:%M')} on (node1:ncpus=1) and finished"
    elif job["state"] == "queued":
        told["comment"] = "Not Running: Insufficient amount of resource: ncpus"
    return told


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds % 3600 // 60:02}:{seconds % 60:02}"


def _number(word: str) -> int:
    return int(word.partition(".")[0]) if word.partition(".")[0].isdigit() else -1


def qstat(batch: FakeBatch, argv: list[str]) -> int:
    """Tell of jobs by their numbers, with `-x` of those too that are over."""
    if batch.switches().get("deaf"):
        return _fail(f"qstat: cannot connect to server {SERVER} (errno={_NO_CONNECTION})", _NO_CONNECTION)
    asked = [word for word in argv if word[0] != "-" and word != "json"]
    told, status = {}, 0
    for word in asked:
        job = batch.get(_number(word))
        if job is None:
            status = _fail(f"qstat: Unknown Job Id {word}", _UNKNOWN)
        elif job["state"] == "over" and "-x" not in argv:
            status = _fail(f"qstat: {word} {_HISTORY}", _FINISHED)
        else:
            told[f"{job['number']}.{SERVER}"] = _described(job)
    answer = {"timestamp": int(time.time()), "pbs_version": "22.05.11", "pbs_server": SERVER}
    print(json.dumps(answer | ({"Jobs": told} if told else {}), indent=4))
    return status


def qselect(batch: FakeBatch, argv: list[str]) -> int:
    """The numbers of the jobs of a name."""
    if batch.switches().get("deaf"):
        return _fail(f"qselect: cannot connect to server {SERVER} (errno={_NO_CONNECTION})", _NO_CONNECTION)
    name = argv[argv.index("-N") + 1]
    for job in batch.load():
        if job["name"] == name and (job["state"] != "over" or "-x" in argv):
            print(f"{job['number']}.{SERVER}")
    return 0


def qdel(batch: FakeBatch, argv: list[str]) -> int:
    """End jobs."""
    status = 0
    for word in argv:
        job = batch.get(_number(word))
        if job is None:
            status = _fail(f"qdel: Unknown Job Id {word}", _UNKNOWN)
        elif job["state"] == "over":
            status = _fail(f"qdel: Job has finished {word}", _FINISHED)
        else:
            batch.end(job["number"])
    return status


def main() -> int:
    """One command: its name, the folder, and its own arguments."""
    command, folder, argv = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    return {"qsub": qsub, "qstat": qstat, "qselect": qselect, "qdel": qdel}[command](FakeBatch(folder), argv)


if __name__ == "__main__":
    sys.exit(main())
