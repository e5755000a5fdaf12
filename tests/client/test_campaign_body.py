"""What a client sends as a campaign, of each thing that it may be given."""

from __future__ import annotations

from pathlib import Path

import pytest

from yosegi.client.campaign_body import campaign_body
from yosegi.core.errors import Invalid

TEXT = 'name = "anneal"\ncandidates = "samples.csv"\n'


@pytest.mark.parametrize("how", [str, Path])
def test_a_file_is_sent_with_the_tables_that_it_names(tmp_path: Path, how: type[str] | type[Path]) -> None:
    (tmp_path / "anneal.toml").write_text(TEXT)
    (tmp_path / "samples.csv").write_text("id,cu\ns1,3\n")
    sent = campaign_body(how(tmp_path / "anneal.toml"))
    assert sent == {"spec": TEXT, "files": {"samples.csv": "id,cu\ns1,3\n"}}


def test_a_text_is_sent_as_it_is_whatever_it_ends_with() -> None:
    assert campaign_body('name = "a"') == {"spec": 'name = "a"', "files": {}}
    assert campaign_body('name = "a"\n# see b.toml') == {"spec": 'name = "a"\n# see b.toml', "files": {}}


def test_a_file_that_is_not_there_is_said_by_its_name() -> None:
    with pytest.raises(Invalid, match=r"nowhere\.toml"):
        campaign_body("nowhere.toml")
