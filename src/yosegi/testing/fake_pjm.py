"""A program that answers as pjsub, pjstat, pjdel and pjwait do, and runs the jobs it is given on this machine.

Written from Fujitsu's Command Reference (J2UL-2549-01ENZ0) and RIKEN's user guide; a transcript of a session on Fugaku
is held against it. It is no PJM: where the manuals are silent, what it does is a guess, and a switch offers another.

    python -m yosegi.testing.fake_pjm install FOLDER    # commands in FOLDER/bin, jobs and switches in FOLDER

Switches, in FOLDER/switches.json, which may be changed at any time:

    capacity     jobs that run at once (default 4)
    slow         seconds that pjsub takes
    before       how often pjsub says 0090 before it has taken the job
    after        how often it says 0091 after it has taken it
    lost         how often it says nothing at all after it has taken it, and fails
    refuse       what it says instead, e.g. "0071 Group not authorized to submit a job: group(59999)"
    hidden       whether names of jobs read ********
    cut          whether names of jobs are cut to ten characters
    forgets      seconds after which the history has lost a job
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from yosegi.testing.fake_batch import SwitchedFolder

COMMANDS = ("pjsub", "pjstat", "pjdel", "pjwait")
_FIRST = 6291500
_OVER = ("EXT", "RJT", "CCL")
_ELAPSE = re.compile(r"elapse=(?:(\d+):)?(?:(\d+):)?(\d+)")
_ITEMS = {
    "jid": "JOB_ID", "jnam": "JOB_NAME", "jmdl": "MD", "st": "ST", "lst": "LST", "usr": "USER", "grp": "GROUP",
    "adt": "ACCEPT_DATE", "sdt": "JOB_START_DATE", "edt": "JOB_END_DATE", "ec": "EC", "sn": "SN", "pc": "PC",
    "cmt": "COMMENT", "ermsg": "REASON", "nnumr": "NODE_NUM_REQUIRE", "elpl": "ELAPSE_TIME_LIMIT", "rscg": "RSCGRP",
}  # fmt: skip

Job = dict[str, Any]


class FakePjm(SwitchedFolder):
    """The state of one such scheduler, in a folder; every command opens it anew."""

    def load(self) -> list[Job]:
        """Every job that it still knows, oldest first."""
        found: list[Job] = [json.loads(path.read_text()) for path in sorted(self.jobs.glob("*.json"))]
        forgets = self.switches().get("forgets")
        if forgets is None:
            return found
        return [job for job in found if job["st"] not in _OVER or time.time() - job["edt"] < forgets]

    def keep(self, job: Job) -> None:
        """Put a job down."""
        part = self.jobs / f".{job['jid']}"
        part.write_text(json.dumps(job))
        part.replace(self.jobs / f"{job['jid']}.json")

    def get(self, jid: int) -> Job | None:
        """A job, known still or not; None if there never was one."""
        path = self.jobs / f"{jid}.json"
        found: Job | None = json.loads(path.read_text()) if path.exists() else None
        return found


# -- pjsub ------------------------------------------------------------------------------------------------------------


def _options(words: list[str]) -> dict[str, str]:
    """Options as pjsub reads them, from the command line or from `#PJM` lines."""
    found: dict[str, str] = {}
    flags = ("-j", "--norestart", "--restart", "-s", "-S", "-X", "--no-check-directory", "--no-check-gfscache")
    while words:
        word = words.pop(0)
        if word in flags or word == "--all-mount-gfscache":
            found[word] = ""
        elif word in ("-N", "--name", "-L", "-o", "-e", "-g", "-x", "-z", "-p", "--comment", "--mpi", "--llio"):
            if not words:
                raise SystemExit(_fail(f"PJM 0001 pjsub Unknown option or no option argument: {word}.", try_help=True))
            value = words.pop(0)
            found[word] = f"{found[word]},{value}" if word == "-L" and word in found else value
        elif word.startswith("-"):
            raise SystemExit(_fail(f"PJM 0001 pjsub Unknown option or no option argument: {word}.", try_help=True))
        else:
            found["script"] = word
    return found


def _fail(words: str, *, try_help: bool = False) -> int:
    print(f"[ERR.] {words}", file=sys.stderr)
    if try_help:
        print("Try 'pjsub --help' for more information.", file=sys.stderr)
    return 1


def pjsub(pjm: FakePjm, argv: list[str]) -> int:
    """Take a job."""
    given = _options(argv)
    text = Path(given["script"]).read_text() if "script" in given else sys.stdin.read()
    lines = []
    for line in text.splitlines()[1:]:
        if not line.startswith("#"):
            break
        if line.startswith("#PJM "):
            lines += shlex.split(line[5:])
    options = _options(lines) | given
    name = options.get("-N") or options.get("--name") or Path(given.get("script", "STDIN")).name
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9._-]{0,62}", name):
        return _fail(f"PJM 0006 pjsub Invalid argument: {name}.")
    time.sleep(pjm.switches().get("slow", 0))
    if refusal := pjm.switches().get("refuse"):
        return _fail(f"PJM {refusal[:4]} pjsub {refusal[5:]}")
    with pjm.locked():
        if pjm.used_up("before"):
            return _fail("PJM 0090 pjsub PJM daemon is not present.")
        job = _taken(pjm, name, text, options)
        lost, broken = pjm.used_up("lost"), pjm.used_up("after")
    _supervise(pjm, job["jid"])
    if lost:
        return 1
    if broken:
        return _fail("PJM 0091 pjsub Internal error: connection was closed.")
    print(job["jid"] if options.get("-z") == "jid" else f"[INFO] PJM 0000 pjsub Job {job['jid']} submitted.")
    return 0


def _taken(pjm: FakePjm, name: str, text: str, options: dict[str, str]) -> Job:
    known = [int(path.stem) for path in pjm.jobs.glob("[0-9]*.json")]
    limits = options.get("-L", "")
    hours = [int(part or 0) for part in (_ELAPSE.search(limits) or re.match("(1)?(0)?(0)", "100")).groups()]  # type: ignore[union-attr]
    nodes = re.search(r"node=([\dx]+)", limits)
    job: Job = {
        "jid": max(known, default=_FIRST - 1) + 1, "jnam": name, "jmdl": "NM", "st": "QUE", "lst": "ACC",
        "usr": os.environ.get("USER", "u00001"), "grp": options.get("-g", "grp-name"), "adt": time.time(), "sdt": None,
        "edt": None, "ec": 0, "sn": 0, "pc": 0, "cmt": options.get("--comment", ""), "ermsg": "-",
        "nnumr": nodes[1] if nodes else "1", "elpl": hours[0] * 3600 + hours[1] * 60 + hours[2], "rscg": "small",
        "cwd": str(Path.cwd()), "out": options.get("-o", ""), "pid": 0, "deleted": False,
    }  # fmt: skip
    pjm.keep(job)
    (pjm.jobs / f"{job['jid']}.sh").write_text(text)
    return job


def _supervise(pjm: FakePjm, jid: int) -> None:
    """Something of its own that sees a job through, whatever becomes of the command."""
    subprocess.Popen(
        [sys.executable, "-m", "yosegi.testing.fake_pjm", "supervise", str(pjm.folder), str(jid)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


# -- a job's life -----------------------------------------------------------------------------------------------------


def supervise(pjm: FakePjm, jid: int) -> None:
    """Wait for room, run the script, and put down how it ended."""
    while True:
        with pjm.locked():
            job = pjm.get(jid)
            if job is None or job["st"] in _OVER:
                return
            running = [other for other in pjm.load() if other["st"] == "RUN"]
            first = min((other["jid"] for other in pjm.load() if other["st"] == "QUE"), default=jid)
            if len(running) < pjm.switches().get("capacity", 4) and first == jid:
                pjm.keep(job | {"st": "RUN", "lst": "RNA", "sdt": time.time()})
                break
        time.sleep(0.02)
    out = Path(job["out"] or f"{job['cwd']}/{job['jnam']}.{jid}.out")
    variables = {
        "PATH": "/usr/local/bin:/usr/bin:/bin", "PJM_JOBID": str(jid), "PJM_JOBNAME": job["jnam"],
        "PJM_ENVIRONMENT": "BATCH", "PJM_O_WORKDIR": job["cwd"], "PJM_NODE": job["nnumr"].partition("x")[0],
    }  # fmt: skip
    with contextlib.suppress(OSError), out.open("ab") as file:
        process = subprocess.Popen(
            ["/bin/bash", str(pjm.jobs / f"{jid}.sh")], stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            cwd=job["cwd"], env=variables, start_new_session=True,
        )  # fmt: skip
        with pjm.locked():
            pjm.keep((pjm.get(jid) or job) | {"pid": process.pid})
        _see_through(pjm, jid, process, time.time() + job["elpl"])


def _see_through(pjm: FakePjm, jid: int, process: subprocess.Popen[bytes], deadline: float) -> None:
    warned = False
    while process.poll() is None:
        now, job = time.time(), pjm.get(jid) or {}
        if not warned and now >= deadline - 10:
            warned = True
            _signal(process.pid, signal.SIGXCPU)
        if job.get("deleted") or now >= deadline:
            _signal(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(1)
            _signal(process.pid, signal.SIGKILL)
        time.sleep(0.02)
    _signal(process.pid, signal.SIGKILL)
    with pjm.locked():
        job = pjm.get(jid) or {}
        status = process.returncode
        code = 1 if job.get("deleted") else 11 if time.time() >= deadline else 0
        pjm.keep(
            job | {"st": "CCL" if job.get("deleted") else "EXT", "lst": "RUN", "edt": time.time(), "pc": code,
                   "ec": max(status, 0), "sn": max(-status, 0)}
        )  # fmt: skip


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


# -- pjstat, pjwait, pjdel --------------------------------------------------------------------------------------------


def pjstat(pjm: FakePjm, argv: list[str]) -> int:
    """Tell of jobs; an unknown number is left out without a word."""
    history = any(word in ("-H", "--history") for word in argv)
    jobs = [job for job in pjm.load() if (job["st"] in _OVER) == history]
    delimiter, chosen, numbers = ",", ["jid", "jnam", "jmdl", "st", "usr"], []
    rest = [word for word in argv if word not in ("-H", "--history", "-s", "-v", "-A", "--data")]
    while rest:
        word, value = rest.pop(0), ""
        if word.startswith("--") and not (value := word.partition("=")[2]):
            value = rest.pop(0)
        if word.startswith("--delimiter"):
            delimiter = value
        elif word.startswith("--choose"):
            chosen = value.split(",")
        elif word.startswith("--filter"):
            item, _, wanted = value.partition("=")
            jobs = [job for job in jobs if str(job[item]) in wanted.split("+")]
        elif word.isdigit():
            numbers.append(int(word))
    jobs = [job for job in jobs if not numbers or job["jid"] in numbers]
    if "--data" in argv:
        print(delimiter.join(["H", *(_ITEMS[item] for item in chosen)]))
        for job in jobs:
            print(delimiter.join(["", *(_field(pjm, job, item) for item in chosen)]))
    elif "-v" in argv:
        _verbose(jobs)
    return 0


def _field(pjm: FakePjm, job: Job, item: str) -> str:
    switches = pjm.switches()
    if item in ("jnam", "cmt") and switches.get("hidden"):
        return "********"
    if item == "jnam" and switches.get("cut"):
        return str(job["jnam"])[:10]
    if item in ("adt", "sdt", "edt"):
        return "-" if job[item] is None else time.strftime("%Y/%m/%d %H:%M:%S", time.localtime(job[item]))
    return str(job[item])


_VERBOSE = (
    "JOB_ID     JOB_NAME   MD ST  USER     GROUP    START_DATE      ELAPSE_TIM ELAPSE_LIM            NODE_REQUIRE    "
    "VNODE  CORE V_MEM        V_POL E_POL RANK      LST EC  PC  SN PRI ACCEPT         RSC_GRP  REASON          "
)


def _verbose(jobs: list[Job]) -> None:
    print(_VERBOSE)
    for job in jobs:
        waits = job["sdt"] is None
        begins = time.localtime(job["adt"] if waits else job["sdt"])
        start = time.strftime("(%m/%d %H:%M)" if waits else "%m/%d %H:%M:%S", begins)
        passed = 0 if waits else int(time.time() - job["sdt"])
        accepted = time.strftime("%m/%d %H:%M:%S", time.localtime(job["adt"]))
        print(
            f"{job['jid']:<10} {job['jnam'][:10]:<10} {job['jmdl']:<2} {job['st']:<3} {job['usr'][:8]:<8} "
            f"{job['grp'][:8]:<8} {start:<15} {_clock(passed)} {_clock(job['elpl']):<21} {job['nnumr']:<15} -      "
            f"-    -            -     -     bychip    {job['lst']:<3} {job['ec']:<3} {job['pc']:<3} {job['sn']:<2} 127 "
            f"{accepted} {job['rscg']:<8} {job['ermsg'][:16]:<16}"
        )


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:04}:{seconds % 3600 // 60:02}:{seconds % 60:02}"


def pjwait(pjm: FakePjm, argv: list[str]) -> int:
    """`-w waitnone ID…`: PJM code, exit status and signal of each job, or X while it waits or runs."""
    for word in argv:
        job = pjm.get(int(word)) if word.isdigit() else None
        if job is None or job["st"] == "RJT" or job not in pjm.load():
            continue
        alive = {"HLD": "H", "ERR": "E"}.get(job["st"], "X")
        over = job["st"] in _OVER
        print(word, f"{job['pc']} {job['ec']} {job['sn'] or '-'}" if over else f"{alive} - -")
    return 0


def pjdel(pjm: FakePjm, argv: list[str]) -> int:
    """Ask that jobs end; what waits is gone at once."""
    status = 0
    for word in argv:
        with pjm.locked():
            job = pjm.get(int(word)) if word.isdigit() else None
            if job is None or job["st"] in _OVER:
                print(f"[ERR.] PJM 0112 pjdel Job {word} does not exist.", file=sys.stderr)
                status = 1
                continue
            over = {"st": "CCL", "lst": "QUE", "pc": 1, "edt": time.time()} if job["st"] == "QUE" else {}
            pjm.keep(job | {"deleted": True} | over)
        print(f"[INFO] PJM 0100 pjdel Accepted job {word}.")
    return status


def install(folder: Path) -> Path:
    """Put the commands into `folder/bin`; that folder."""
    for part in ("bin", "jobs"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for command in COMMANDS:
        path = folder / "bin" / command
        program = (
            f'exec {shlex.quote(sys.executable)} -m yosegi.testing.fake_pjm {command} {shlex.quote(str(folder))} "$@"'
        )
        path.write_text(f"#!/bin/sh\n{program}\n")
        path.chmod(0o755)
    return folder / "bin"


def main() -> int:
    """One command: its name, the folder, and its own arguments."""
    command, folder, argv = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    pjm = FakePjm(folder)
    if command == "install":
        print(install(folder))
        return 0
    if command == "supervise":
        supervise(pjm, int(argv[0]))
        return 0
    return {"pjsub": pjsub, "pjstat": pjstat, "pjwait": pjwait, "pjdel": pjdel}[command](pjm, argv)


if __name__ == "__main__":
    sys.exit(main())
