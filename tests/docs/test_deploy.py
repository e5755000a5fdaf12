"""The configuration in `docs/how-to/deploy.md` is taken by the programs it is for, where they are installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from yosegi.web.metrics import router

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "deploy.md"


def block(kind: str, after: str = "") -> str:
    """The first block of a kind, after some words of the page."""
    text = PAGE.read_text(encoding="utf-8").partition(after)[2] if after else PAGE.read_text(encoding="utf-8")
    found = re.search(rf"^```{kind}\n(.*?)^```$", text, re.S | re.M)
    assert found is not None
    return found[1]


def certificate(folder: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    subject = ["-subj", "/CN=yosegi.lab-a.example", "-days", "1"]
    files = ["-keyout", str(folder / "site.key"), "-out", str(folder / "site.pem")]
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, *files], check=True, capture_output=True
    )


@pytest.mark.parametrize("unit", ["yosegi.service", "yosegi-station.service"])
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path, unit: str) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed (Debian: apt-get install systemd)")
    program = tmp_path / "yosegi"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    text = block("ini", f"/{unit}`").replace("/opt/yosegi/current/bin/yosegi", str(program))
    path = tmp_path / unit
    path.write_text(text.replace("=yosegi\n", "=daemon\n"))
    done = subprocess.run([analyze, "verify", "--man=no", str(path)], capture_output=True, text=True, check=False)
    said = [line for line in (done.stdout + done.stderr).splitlines() if unit in line]
    assert said == []


def test_nginx_takes_its_configuration(tmp_path: Path) -> None:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed (Debian: apt-get install nginx)")
    certificate(tmp_path)
    text = block("nginx").replace("/etc/ssl/yosegi", str(tmp_path)).replace("listen 443", "listen 127.0.0.1:8443")
    whole = f"pid {tmp_path}/pid; error_log {tmp_path}/log; events {{}} http {{ access_log off; {text} }}"
    (tmp_path / "nginx.conf").write_text(whole)
    done = subprocess.run(
        [nginx, "-t", "-c", str(tmp_path / "nginx.conf")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_caddy_takes_its_configuration(tmp_path: Path) -> None:
    caddy = shutil.which("caddy")
    if caddy is None:
        pytest.skip("caddy is not installed (Debian: apt-get install caddy)")
    (tmp_path / "Caddyfile").write_text(block("caddyfile"))
    command = [caddy, "adapt", "--adapter", "caddyfile", "--config", str(tmp_path / "Caddyfile")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"HOME": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert "127.0.0.1:8100" in done.stdout


def test_the_scrape_configuration_is_yaml_that_names_the_figures() -> None:
    (job,) = yaml.safe_load(block("yaml"))["scrape_configs"]
    assert job["metrics_path"].endswith("/metrics")
    assert "credentials_file" in job["authorization"]


def test_the_container_file_takes_the_wheel_of_this_version_and_asks_what_a_site_answers() -> None:
    text = block("dockerfile")
    assert f"COPY yosegi-{version('yosegi')}-py3-none-any.whl " in text
    assert re.search(r"http://127\.0\.0\.1:8100(/\w+)'", text)[1] in {route.path for route in router.routes}  # type: ignore[index]
    instructions = [line.split()[0] for line in text.splitlines() if not line.startswith(" ")]
    assert instructions.index("USER") < instructions.index("ENTRYPOINT")
