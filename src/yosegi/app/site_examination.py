"""What keeps a site from starting, and what its owner should know, found before it is started."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from yosegi.app.engines import derived
from yosegi.app.home import Home
from yosegi.app.settings import Settings
from yosegi.app.site_file import BadSettings, SiteFile
from yosegi.core.contract import Contract
from yosegi.core.errors import Invalid, YosegiError
from yosegi.core.file_findings import FileFinding
from yosegi.execution.engines.registry import EngineTable, examined


async def examine(home: Home) -> tuple[FileFinding, ...]:
    """All that is wrong with a home's `site.toml`, and all that it names and is not here, in the order of the file.

    What is published is imported in a worker, as at a start; nothing is opened, served or changed.

    Raises:
        Invalid: no home there, or its `site.toml` is not TOML.
    """
    file, found = home.site_file(), list[FileFinding]()
    try:
        settings = file.settings()
    except BadSettings as error:
        # Engines are read one by one, whatever else does not hold.
        found += error.findings
        found += [one for name in _tables(file) for one in _engine_findings(file, name)]
        return _sorted(found)
    engines = list(_engines(file, settings, found))
    found += [*_same_names(file, engines), *_named(file, home, settings)]
    taken: dict[str, str] = {}
    for engine in engines:
        if not engine.settings.publish:
            found.append(file.finding(engine.table, "publishes nothing, and is not opened", "", fatal=False))
        contracts, why = await _contracts(engine, home)
        why += [f"{name} is published by engine {taken[name]} too" for name in contracts if name in taken]
        taken |= dict.fromkeys(contracts, engine.name)
        found += [file.finding((*engine.table, "publish"), one) for one in why]
        for concern in examined(engine.kind, engine.settings, contracts if contracts and not why else None):
            path = (*engine.table, *concern.field)
            found.append(file.finding(path, concern.why, concern.todo, fatal=concern.fatal))
    return _sorted(found)


def _sorted(found: Iterable[FileFinding]) -> tuple[FileFinding, ...]:
    return tuple(sorted(found, key=lambda one: one.line))


def _tables(file: SiteFile) -> list[str]:
    tables = file.value.get("engine")
    return [name for name, table in tables.items() if isinstance(table, dict)] if isinstance(tables, dict) else []


def _engine_findings(file: SiteFile, name: str) -> list[FileFinding]:
    found: list[FileFinding] = []
    file.engine(name, found)
    return found


def _engines(file: SiteFile, settings: Settings, found: list[FileFinding]) -> Iterator[EngineTable]:
    """Every engine whose settings hold; why others do not is added to what was found."""
    if settings.process.publish or "process" in file.value:
        yield EngineTable("process", "process", settings.process, ("process",))
    for name, table in settings.station.items():
        yield EngineTable(name, "station", table, ("station", name))
    for name in _tables(file):
        if read := file.engine(name, found):
            yield EngineTable(name, *read, ("engine", name))


def _same_names(file: SiteFile, engines: list[EngineTable]) -> Iterator[FileFinding]:
    for number, engine in enumerate(engines):
        if any(other.name == engine.name for other in engines[:number]):
            yield file.finding(engine.table, f"another engine is called {engine.name}", "rename one")


async def _contracts(engine: EngineTable, home: Home) -> tuple[Mapping[str, Contract], list[str]]:
    """The contracts of what an engine publishes, by name and version, and why there are none of a publication."""
    publish = engine.settings.publish
    if not publish:
        return {}, []
    try:
        (found,) = await derived([engine], home.folder)
        return found.contracts, []
    except YosegiError as error:
        if len(publish) == 1:
            return {}, [str(error)]
    # One worker for all where all is well; one each only to say which is not.
    why = []
    for one in publish:
        try:
            await derived(
                [replace(engine, settings=engine.settings.model_copy(update={"publish": (one,)}))], home.folder
            )
        except YosegiError as error:
            why.append(str(error))
    return {}, why


def _named(file: SiteFile, home: Home, settings: Settings) -> Iterator[FileFinding]:
    """Files and variables that settings name and that are not here."""
    email, ledger, oidc, metrics = settings.notices.email, settings.ledger, settings.oidc, settings.metrics
    files: dict[tuple[str, ...], str] = {("network", "ca_file"): settings.network.ca_file}
    variables: dict[tuple[str, ...], str] = {("ledger", "password_env"): ledger.password_env}
    files |= {("ledger", "password_file"): ledger.password_file}
    for which, key in settings.key.items():
        files |= {("key", which, "module"): key.module, ("key", which, "pin_file"): key.pin_file}
        variables[("key", which, "pin_env")] = key.pin_env
    if metrics is not None:
        files[("metrics", "token_file")] = metrics.token_file
        variables[("metrics", "token_env")] = metrics.token_env
    if oidc is not None:
        files[("oidc", "client_secret_file")] = oidc.client_secret_file
        variables[("oidc", "client_secret_env")] = oidc.client_secret_env
    if email is not None:
        files |= {("notices", "email", name): getattr(email, name) for name in ("password_file", "ca_file")}
        variables[("notices", "email", "password_env")] = email.password_env
    for path, name in files.items():
        # Those of the mail server are read at each sending, and from where the site runs.
        where, fatal = (name, False) if path[0] == "notices" else (home.inside(name), True)
        if name and not Path(where).is_file():
            yield file.finding(path, f"there is no file {where}", fatal=fatal)
    for path, name in variables.items():
        if name and name not in os.environ:
            why = f"no variable {name} is set where this command runs"
            yield file.finding(path, why, "the site needs it when it starts", fatal=False)


def bad_settings(home: Home, found: Iterable[FileFinding]) -> Invalid | None:
    """The error that a site would end with; None where nothing of it keeps the site from starting."""
    fatal = [one for one in found if one.fatal]
    return BadSettings(str(home.settings_file), fatal) if fatal else None
