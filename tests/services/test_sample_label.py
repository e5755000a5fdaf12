"""A label says which sample it is on to whoever holds a reader against it: zxing-cpp, which is not ours, reads it."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
import zxingcpp

from yosegi.services.samples.label import label_svg
from yosegi.services.samples.schemas import SampleSummary
from yosegi.services.samples.states import SampleState

SCALE = 8
"""Pixels a module."""
SVG = "{http://www.w3.org/2000/svg}"


def film(label: str = "ITO on glass", name: str = "riken/film-17") -> SampleSummary:
    """A sample as its site lists it."""
    return SampleSummary(
        id=name, label=label, charter="demo", team="colour-team", holder="riken", told_by="riken", to="",
        state=SampleState.AVAILABLE, place="", parents=(), children=(), since="2026-04-01T00:00:00Z",
        changed="2026-04-01T00:00:00Z",
    )  # fmt: skip


def pixels(svg: str) -> np.ndarray:
    """The code of a label as an image: its path is rectangles of dark modules."""
    code = ElementTree.fromstring(svg).find(f"{SVG}svg")
    assert code is not None
    side = int(code.attrib["viewBox"].split()[2])
    (path,) = code.findall(f"{SVG}path")
    image = np.full((side * SCALE, side * SCALE), 255, dtype=np.uint8)
    for x, y, length, back in re.findall(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z", path.attrib["d"]):
        assert length == back
        image[int(y) * SCALE : (int(y) + 1) * SCALE, int(x) * SCALE : (int(x) + int(length)) * SCALE] = 0
    return image


def read(svg: str) -> str:
    """What a reader sees."""
    (found,) = zxingcpp.read_barcodes(pixels(svg))
    assert found.format == zxingcpp.BarcodeFormat.QRCode
    return str(found.text)


def test_a_reader_sees_the_samples_name() -> None:
    assert read(label_svg(film(), "")) == "riken/film-17"


def test_a_reader_sees_the_page_of_the_sample_where_its_site_can_be_reached() -> None:
    assert read(label_svg(film(), "https://yosegi.riken.example/")) == (
        "https://yosegi.riken.example/samples/riken/film-17"
    )


@pytest.mark.parametrize("name", [f"riken/{'x' * 80}", "a/1"])
def test_the_longest_and_the_shortest_name_are_read(name: str) -> None:
    assert read(label_svg(film(name=name), "")) == name


def test_what_a_person_wrote_is_text_on_the_label_and_nothing_else() -> None:
    drawn = label_svg(film("<script>alert(1)</script> & more"), "")
    root = ElementTree.fromstring(drawn)
    assert {one.tag.removeprefix(SVG) for one in root.iter()} == {"svg", "title", "rect", "path", "g", "text"}
    assert not re.search(r"\b(style|on\w+|href)=", drawn)


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\ufffe"])
def test_what_another_site_wrote_on_a_sample_leaves_a_label_that_can_be_drawn(character: str) -> None:
    # XML 1.0, 2.2 (Char): none of these may stand in a document.
    assert read(label_svg(film(f"ITO{character}"), "")) == "riken/film-17"
