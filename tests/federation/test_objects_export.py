"""A bundle names every object, holds the bytes of those that may go along, and is verified with them offline."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from federation import large
from federation.test_objects_rights import campaign, site, tell
from yosegi.core.canonical import dumps, loads
from yosegi.core.errors import Corrupt
from yosegi.testing.federation import Federation
from yosegi.verification import bundle_objects
from yosegi.verification.bundle import Bundle, read_bundle, verify_bundle


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bundle of a campaign through which one table went."""
    kept: list[bytes] = []

    async def story(federation: Federation) -> None:
        await campaign(federation)
        kept.append(await site(federation, "argonne").campaigns.export("large"))

    tell(large.sites(tmp_path_factory.mktemp("export")), story)
    return kept[0]


def changed(exported: bytes, **change: Any) -> Bundle:
    value = loads(exported, max_bytes=2**30)
    value["objects"][0] |= change
    return read_bundle(dumps(value))


def test_a_bundle_holds_its_objects_and_is_verified_with_them(exported: bytes) -> None:
    bundle = read_bundle(exported)
    assert bundle.objects is not None
    table = large.table_of(float(verify_bundle(bundle).campaign.trials[0].values["x"]))  # type: ignore[arg-type]
    assert [one.data for one in bundle.objects] == [table]
    assert verify_bundle(bundle).objects == (1, 1)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"data": "AAAA"}, "other ones"),
        ({"data": None}, "why not"),
        ({"ref": {"sha256": "sha256:" + "0" * 64, "size": 3, "media_type": "text/csv", "site": "riken",
                  "sensitivity": "team"}, "data": None, "absent": "erased"}, "does not list"),
    ],
)  # fmt: skip
def test_an_object_that_was_changed_is_named(exported: bytes, change: dict[str, Any], named: str) -> None:
    with pytest.raises(Corrupt, match=named):
        verify_bundle(changed(exported, **change))


def test_an_object_that_no_entry_names_is_refused(exported: bytes) -> None:
    value = loads(exported, max_bytes=2**30)
    ref = dict(value["objects"][0]["ref"]) | {"sha256": "sha256:" + "1" * 64}
    value["objects"].append({"ref": ref, "absent": "erased"})
    with pytest.raises(Corrupt, match="no entry"):
        verify_bundle(read_bundle(dumps(value)))


def test_what_is_too_large_or_erased_is_named_without_its_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(federation: Federation) -> None:
        made = await campaign(federation)
        home = site(federation, "argonne")
        monkeypatch.setattr(bundle_objects, "MOST_OBJECT_BYTES", 100_000)
        assert await absent(home) == "too_large"
        monkeypatch.undo()
        sha256 = made.trials[0].steps[0].outputs["table"]["sha256"]
        await home.erasure.order("object", sha256, "asked", federation.member())
        assert await absent(home) == "erased"

    async def absent(home: Any) -> str | None:
        bundle = read_bundle(await home.campaigns.export("large"))
        assert verify_bundle(bundle).objects == (1, 0)
        assert bundle.objects is not None
        return bundle.objects[0].absent

    tell(large.sites(tmp_path), story)
