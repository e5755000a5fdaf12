#!/usr/bin/python3 -I
"""Three verbs as another user of a machine: the one part of a batch engine that is root, and the whole of it.

    yosegi-batch-helper submit USER NAME < SCRIPT
    yosegi-batch-helper state USER NAME...
    yosegi-batch-helper cancel USER NUMBER...

It imports the standard library alone. Install a copy owned by root, with its table beside it under the same name and
`.toml`; its first line names a Python of root's, 3.11 or later. Let the site's user call it by one line of sudoers:
docs/how-to/account-map.md shows both. Whoever calls it can do these three things as a user whom the table names, and
nothing else: every argument is held against a form, the command is built here, the environment is cleared, all rights
are dropped and none can be gained again before it runs.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import re
import stat
import sys
import tomllib
from pathlib import Path
from typing import Any, NoReturn

SQUEUE = "%i|%j|%T|%V|%S|%e|%D|%b|%r"
PJSTAT = "jid,jnam,st,ec,sn,pc,adt,sdt,edt,nnumr,ermsg"
USAGE = "submit USER NAME, state USER NAME..., or cancel USER NUMBER..."
"""What it says to whoever may call it and asks for nothing."""
_NAME = re.compile(r"y[a-z2-7]{26}")
_NUMBER = re.compile(r"[0-9]{1,12}")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SCRIPT = 64 * 1024
_LOWEST = 1000
_NO_NEW_PRIVS = 38
_KEYS = {"site_user", "spool", "dialect", "accounts", "path", "lowest_uid", "environment"}
_NEEDED = {"site_user", "spool", "dialect", "accounts"}


def fail(why: str) -> NoReturn:
    """Say why not, and do nothing."""
    print(f"yosegi-batch-helper: {why}", file=sys.stderr)
    sys.exit(77)


def owned_by_root(path: Path) -> bytes:
    """What is in a file that nobody but root can have written."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o022:
            fail(f"{path} must be a file of root's that nobody else can write")
        return file.read(1024 * 1024)


def values(path: Path) -> dict[str, Any]:
    """What is in a TOML file of root's."""
    try:
        return tomllib.loads(owned_by_root(path).decode())
    except (OSError, ValueError) as error:
        fail(f"{path} cannot be read ({error})")


def person(user: str) -> pwd.struct_passwd:
    """The account of a user of this machine."""
    try:
        return pwd.getpwnam(user)
    except KeyError:
        fail(f"there is no user {user} on this machine")


def table(own: Path) -> dict[str, Any]:
    """The centre's table, beside this file."""
    found = values(own.with_suffix(".toml"))
    if unknown := set(found) - _KEYS:
        fail(f"the table has unknown keys: {', '.join(sorted(unknown))}")
    if missing := _NEEDED - set(found):
        fail(f"the table lacks {', '.join(sorted(missing))}")
    if found["dialect"] not in ("slurm", "pjm"):
        fail(f"it speaks slurm and pjm, and its table says {found['dialect']!r}")
    for name in found.get("environment", {}):
        if not _VARIABLE.fullmatch(name):
            fail(f"{name!r} in its environment names no variable: letters, digits and _ alone, and no digit first")
    return found


def account(known: dict[str, Any], user: str) -> pwd.struct_passwd:
    """A user whom the centre's account map names, and who is a person's account."""
    accounts = values(Path(known["accounts"]))
    if not _USER.fullmatch(user) or user not in {entry.get("user") for entry in accounts.get("account", ())}:
        fail(f"{user[:40]!r} is not in the account map")
    found = person(user)
    if found.pw_uid < max(1, known.get("lowest_uid", _LOWEST)) or found.pw_gid == 0:
        fail(f"{user} is an account of the system's")
    return found


def hand_over(known: dict[str, Any], name: str, who: pwd.struct_passwd, site: pwd.struct_passwd) -> Path:
    """Make a job's folder the user's, and open to the site by its group."""
    folder = Path(known["spool"]) / name
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(handle).st_uid not in (site.pw_uid, who.pw_uid):
            fail(f"the folder of {name} is not the site's")
        os.fchown(handle, who.pw_uid, site.pw_gid)
        os.fchmod(handle, 0o2770)
    finally:
        os.close(handle)
    return folder


def commands(known: dict[str, Any], verb: str, words: list[str]) -> list[str]:
    """The scheduler's command for a verb, all of it built here."""
    form = _NUMBER if verb == "cancel" else _NAME
    if not words or not all(form.fullmatch(word) for word in words) or (verb == "submit" and len(words) != 1):
        fail(f"{verb} takes {'numbers' if verb == 'cancel' else 'names'} of jobs")
    table_of = {
        "slurm": {
            "submit": ["sbatch", "--parsable", "--export=NIL", "--no-requeue", f"--job-name={words[0]}"],
            "state": ["squeue", "-a", "-h", "-t", "all", "-o", SQUEUE, "--name", ",".join(words)],
            "cancel": ["scancel", *words],
        },
        "pjm": {
            "submit": ["pjsub", "-N", words[0]],
            "state": ["pjstat", "-s", "--data", "--delimiter", "|", "--choose", PJSTAT,
                      "--filter", f"jnam={'+'.join(words)}"],
            "cancel": ["pjdel", *words],
        },
    }  # fmt: skip
    return table_of[known["dialect"]][verb]


def become(who: pwd.struct_passwd) -> None:
    """Be that user, for good: groups, then group, then user; and let nothing that runs gain rights again."""
    os.initgroups(who.pw_name, who.pw_gid)
    os.setresgid(who.pw_gid, who.pw_gid, who.pw_gid)
    os.setresuid(who.pw_uid, who.pw_uid, who.pw_uid)
    if ctypes.CDLL(None, use_errno=True).prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) or os.geteuid() == 0:
        fail("rights could not be dropped")


def main() -> None:
    """Do one verb, or fail with status 77."""
    own = Path(os.path.realpath(__file__))
    owned_by_root(own)
    if os.geteuid() != 0:
        fail("it is not root; call it through sudo")
    known = table(own)
    site = person(known["site_user"])
    caller = int(os.environ.get("SUDO_UID", os.getuid()))
    if caller not in (site.pw_uid, 0):
        fail(f"only {site.pw_name} may call it")
    if len(sys.argv) < 4 or sys.argv[1] not in ("submit", "state", "cancel"):
        fail(USAGE)
    verb, user, words = sys.argv[1], sys.argv[2], sys.argv[3:]
    who, command = account(known, user), commands(known, verb, words)
    folder = Path("/")
    if verb == "submit":
        folder = hand_over(known, words[0], who, site)
        command += [f"--chdir={folder}"] if known["dialect"] == "slurm" else []
    variables = {
        "PATH": known.get("path", "/usr/bin:/bin"), "HOME": who.pw_dir, "USER": user, "LOGNAME": user, "LANG": "C",
        "SLURM_TIME_FORMAT": "%s", **{str(n): str(v) for n, v in known.get("environment", {}).items()},
    }  # fmt: skip
    become(who)
    os.chdir(folder)
    os.closerange(3, 1024)
    os.execvpe(command[0], command, variables)


if __name__ == "__main__":
    main()
