"""The pictures of the docs are what the code says.

They are drawn by ``docs/pictures/draw.py``: the state diagram from the rules, the outage from the
figures of the example.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
pytestmark = pytest.mark.skipif(
    "OOB_HEAL_PLANTED" in os.environ, reason="faults are planted in a copy without docs"
)


def test_each_picture_is_what_would_be_drawn_from_the_rules_now() -> None:
    command = [sys.executable, str(PICTURES / "draw.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", sorted(path.stem for path in PICTURES.glob("*.svg")))
def test_a_picture_has_a_title_both_themes_and_stands_in_a_page(name: str) -> None:
    text = (PICTURES / f"{name}.svg").read_text(encoding="utf-8")
    root = ET.fromstring(text)
    assert root.findtext("{http://www.w3.org/2000/svg}title"), "for who cannot see it"
    assert "prefers-color-scheme: dark" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", ""), "nothing is fetched"
    pages = PICTURES.parent.rglob("*.md")
    assert any(f"pictures/{name}.svg" in page.read_text(encoding="utf-8") for page in pages)
