"""A program that answers as bsub, bjobs and bkill of IBM Spectrum LSF do, and runs jobs on this machine.

Written from IBM's Spectrum LSF 10.1 command reference; messages and reasons are those that the reference and centres
show. It is no LSF: where they are silent, what it does is a guess.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

from yosegi.testing.fake_batch import FakeBatch, FakeJob, directives
from yosegi.testing.fake_batch import install as _install

COMMANDS = ("bsub", "bjobs", "bkill")
_VALUED = (
    "-J", "-Jd", "-cwd", "-o", "-e", "-W", "-n", "-R", "-wt", "-wa", "-env", "-q", "-P", "-U", "-G", "-gpu", "-M",
    "-sla",
)  # fmt: skip
_PLAIN = ("-rn", "-r", "-x")
_LOST = "Failed in an LSF library call: Communication time out. Job not submitted."
_DEAF = "batch system daemon not responding ... still trying"


def install(folder: Path) -> Path:
    """Put the commands into `folder/bin`; that folder."""
    return _install(folder, "yosegi.testing.fake_lsf", COMMANDS)


def _fail(words: str) -> int:
    print(words, file=sys.stderr)
    return 255


def _options(words: list[str]) -> dict[str, str] | str:
    """Options by their names; a word that bsub does not know."""
    found: dict[str, str] = {}
    while words:
        word = words.pop(0)
        if word in _PLAIN:
            found[word] = ""
        elif word in _VALUED and words:
            value = words.pop(0)
            found[word] = f"{found[word]} {value}" if word == "-R" and word in found else value
        else:
            return word
    return found


def _minutes(text: str) -> int:
    hours, _, minutes = text.rpartition(":")
    return int(hours or 0) * 60 + int(minutes)


def bsub(batch: FakeBatch, argv: list[str]) -> int:
    """Take a job."""
    text = sys.stdin.read()
    options = _options([*directives(text, "#BSUB"), *argv])
    if isinstance(options, str):
        return _fail(f"{options}: Illegal option. Job not submitted.")
    if not re.fullmatch(r"\d+(?::\d+)?", options.get("-W", "60")):
        return _fail(f"{options['-W']}: Bad argument for option -W. Job not submitted.")
    time.sleep(batch.switches().get("slow", 0))
    if refusal := batch.switches().get("refuse"):
        return _fail(f"{refusal}. Job not submitted.")
    with batch.locked():
        before = batch.used_up("before")
        after = not before and batch.used_up("after")
    if before:
        return _fail(_LOST)
    found = re.search(r"ptile=(\d+)", options.get("-R", ""))
    slots, each = int(options.get("-n", "1")), int(found[1]) if found else 1
    queue = options.get("-q", "normal")
    job = batch.take(
        text, name=options.get("-J", ""), out=options.get("-o", ""), folder=options.get("-cwd", str(Path.home())),
        limit=_minutes(options.get("-W", "60")) * 60.0, warn=_minutes(options.get("-wt", "0")) * 60.0,
        options=options | {"nodes": str(max(1, slots // each))},
        variables={"LSB_JOBID": "NUMBER", "LSB_JOBNAME": options.get("-J", ""), "LSB_QUEUE": queue},
    )  # fmt: skip
    if after:
        return _fail(_LOST)
    print(f"Job <{job['number']}> is submitted to {'' if '-q' in options else 'default '}queue <{queue}>.")
    return 0


def _described(job: FakeJob) -> dict[str, str]:
    """A job as `bjobs -json` tells of it: every value is text, and empty where there is none."""
    over, ran = job["state"] == "over", job["started"] is not None
    good = over and job["status"] == 0 and not job["killed"]
    status = job["status"] if job["status"] >= 0 else 128 - job["status"]
    reasons = {
        "time": "TERM_RUNLIMIT: job killed after reaching LSF run time limit",
        "owner": "TERM_OWNER: job killed by owner",
    }
    used = int((job["ended"] or time.time()) - (job["started"] or time.time()))
    return {
        "JOBID": str(job["number"]), "JOB_NAME": job["name"], "STAT": _state(job, good=good),
        "SUBMIT_TIME": _moment(job["submitted"]), "START_TIME": _moment(job["started"]),
        "FINISH_TIME": _moment(job["ended"]), "RUN_TIME": f"{used} second(s)",
        "EXIT_CODE": str(status) if over and not good and ran else "",
        "EXIT_REASON": reasons.get(job["killed"], "") if over else "",
        "PEND_REASON": "Job slot limit reached;" if job["state"] == "queued" else "",
        "NEXEC_HOST": job["options"]["nodes"] if ran else "",
    }  # fmt: skip


def _state(job: FakeJob, *, good: bool) -> str:
    return {"queued": "PEND", "running": "RUN", "over": "DONE" if good else "EXIT"}[job["state"]]


def _moment(moment: float | None) -> str:
    return "" if moment is None else time.strftime("%b %d %H:%M", time.localtime(moment))


def bjobs(batch: FakeBatch, argv: list[str]) -> int:
    """Tell of jobs by their numbers or their name; with `-a` of those too that are over."""
    if batch.switches().get("deaf"):
        return _fail(_DEAF)
    rest, asked, name, status = list(argv), [], "", 0
    while rest:
        word = rest.pop(0)
        if word in ("-o", "-J"):
            value = rest.pop(0)
            name = value if word == "-J" else name
        elif word.isdigit():
            asked.append(int(word))
    jobs = [job for job in batch.load() if job["number"] in asked or (name and job["name"] == name)]
    records: list[dict[str, str]] = [_described(job) for job in jobs]
    for number in set(asked) - {job["number"] for job in jobs}:
        records.append({"JOBID": str(number), "ERROR": f"Job <{number}> is not found"})
        status = 255
    if name and not jobs:
        return _fail(f"Job <{name}> is not found")
    print(json.dumps({"COMMAND": "bjobs", "JOBS": len(records), "RECORDS": records}, indent=2))
    return _fail("\n".join(one["ERROR"] for one in records if "ERROR" in one)) if status else 0


def bkill(batch: FakeBatch, argv: list[str]) -> int:
    """End jobs."""
    status = 0
    for word in argv:
        job = batch.get(int(word)) if word.isdigit() else None
        if job is None:
            status = _fail(f"Job <{word}>: No matching job found")
        elif job["state"] == "over":
            status = _fail(f"Job <{word}>: Job has already finished")
        else:
            batch.end(job["number"])
            print(f"Job <{word}> is being terminated")
    return status


def main() -> int:
    """One command: its name, the folder, and its own arguments."""
    command, folder, argv = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    return {"bsub": bsub, "bjobs": bjobs, "bkill": bkill}[command](FakeBatch(folder), argv)


if __name__ == "__main__":
    sys.exit(main())
