from __future__ import annotations

import pytest

pytest.importorskip("pycalphad", reason="needs the extra yosegi[materials]")
