"""A PostgreSQL server of a test run, where its programs are installed; it is reached by a socket in its own folder."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
POSTGRES = shutil.which("postgres") or (str(PROGRAMS[-1]) if PROGRAMS else None)
ABSENT = "PostgreSQL's programs are not installed (Debian: apt-get install postgresql)"


@contextmanager
def running(*settings: str, auth: str = "trust", password: str = "") -> Iterator[str]:
    """A server until the end of the block; how to connect to it (libpq's connection string), without the password.

    Args:
        settings: of the server, as `name=value`.
        auth: how it knows who connects: `trust`, or `scram-sha-256` with the password.
        password: of the role `yosegi`.
    """
    if POSTGRES is None:
        raise FileNotFoundError(ABSENT)
    folder = Path(tempfile.mkdtemp(prefix="yosegi-postgres-"))
    # The server refuses to run as root.
    as_user = {"user": "postgres", "group": pwd.getpwnam("postgres").pw_gid} if os.geteuid() == 0 else {}
    secret = folder / "password"
    secret.write_text(password or "unused", encoding="utf-8")
    if as_user:
        for path in (folder, secret):
            shutil.chown(path, "postgres")
    initdb = str(Path(POSTGRES).resolve().with_name("initdb"))
    options = [f"--auth={auth}", f"--pwfile={secret}", "--username=yosegi", "--encoding=UTF8", "--locale=C"]
    data, little = folder / "data", ["--no-sync", "--wal-segsize=1"]
    subprocess.run([initdb, "-D", str(data), *options, *little], check=True, capture_output=True, cwd=folder, **as_user)
    own = ["listen_addresses=", "fsync=off", "shared_buffers=16MB", "min_wal_size=2MB", *settings]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [POSTGRES, "-D", str(data), "-k", str(folder), *(word for one in own for word in ("-c", one))],
            stdout=log, stderr=log, cwd=folder, **as_user,
        )  # fmt: skip
    try:
        ready = str(Path(POSTGRES).resolve().with_name("pg_isready"))
        while subprocess.run([ready, "-q", "-h", str(folder)], check=False).returncode:
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)
        yield f"host={folder} user=yosegi dbname=postgres"
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait()
        shutil.rmtree(folder)
