"""A little SVG: boxes, words and arrows that read in light and dark, and at a phone's width.

Law: text out, no dependency. Sizes are in units of a picture some 600 wide. Colours are classes,
so that the reader's theme chooses them; what a colour says is said in words as well.
"""

from __future__ import annotations

from html import escape

STYLE = """
text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; font-size: 15px;
       fill: #1b1f24; }
.b { font-weight: 600; } .s { font-size: 14px; }
.m { text-anchor: middle; } .e { text-anchor: end; }
.dim { fill: #57606a; }
.box { fill: #f4f6f8; stroke: #8c959f; }
.good { fill: #d8f3e6; stroke: #1a7f5a; } .warn { fill: #fdf0cf; stroke: #9a6700; }
.bad { fill: #fde3e1; stroke: #c0392b; } .none { fill: none; stroke: #8c959f; }
.line { stroke: #57606a; fill: none; } .call { stroke: #c0392b; fill: none; }
.heal { stroke: #1a7f5a; fill: none; } .faint { stroke: #c3cad1; fill: none; }
.ink { fill: #57606a; } .redink { fill: #c0392b; } .greenink { fill: #1a7f5a; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6e9ec; } .dim { fill: #a3adb8; }
  .box { fill: #22272e; stroke: #768390; }
  .good { fill: #12392b; stroke: #4fc195; } .warn { fill: #3d3010; stroke: #d4a72c; }
  .bad { fill: #46201d; stroke: #f0776b; } .none { stroke: #768390; }
  .line { stroke: #a3adb8; } .call { stroke: #f0776b; } .heal { stroke: #4fc195; }
  .faint { stroke: #444c56; }
  .ink { fill: #a3adb8; } .redink { fill: #f0776b; } .greenink { fill: #4fc195; }
}
"""
HEADS = {"line": "ink", "call": "redink", "heal": "greenink", "faint": "ink"}


class Picture:
    """Draw on it, then ask for its ``text``."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self.width = width
        self.height = height
        self._parts = [f"<title>{escape(title)}</title>", f"<style>{STYLE}</style>", _heads()]

    @property
    def text(self) -> str:
        """The whole picture."""
        size = (
            f'viewBox="0 0 {self.width} {self.height}" width="{self.width}" height="{self.height}"'
        )
        body = "\n".join(self._parts)
        return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">\n{body}\n</svg>\n'

    def add(self, element: str) -> None:
        """Anything else."""
        self._parts.append(element)

    def box(self, x: float, y: float, w: float, h: float, kind: str = "box", r: float = 8) -> None:
        """A rectangle with round corners."""
        self.add(
            f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="{r:g}" '
            f'class="{kind}" stroke-width="1.5"/>'
        )

    def words(self, x: float, y: float, said: str, classes: str = "m") -> None:
        """Text on its base line; lines are parted by a newline."""
        for number, line in enumerate(said.split("\n")):
            at = f'x="{x:g}" y="{y + number * 18:g}"'
            self.add(f'<text {at} class="{classes}">{escape(line)}</text>')

    def labelled(
        self, x: float, y: float, w: float, h: float, said: str, kind: str = "box"
    ) -> None:
        """A box with words in its middle, the first line bold."""
        lines = said.split("\n")
        self.box(x, y, w, h, kind)
        top = y + h / 2 - (len(lines) - 1) * 9 + 5
        for number, line in enumerate(lines):
            self.words(x + w / 2, top + number * 18, line, "m s" if number else "m b")

    def arrow(self, *points: tuple[float, float], kind: str = "line", dashed: bool = False) -> None:
        """A line from point to point, with a head at its end."""
        path = "M" + " L".join(f"{x:g} {y:g}" for x, y in points)
        dash = ' stroke-dasharray="6 5"' if dashed else ""
        self.add(
            f'<path d="{path}" class="{kind}" stroke-width="2"{dash} '
            f'marker-end="url(#{kind}-head)"/>'
        )

    def line(self, *points: tuple[float, float], kind: str = "faint", dashed: bool = False) -> None:
        """As ``arrow``, with no head."""
        path = "M" + " L".join(f"{x:g} {y:g}" for x, y in points)
        dash = ' stroke-dasharray="4 5"' if dashed else ""
        self.add(f'<path d="{path}" class="{kind}" stroke-width="1.5"{dash}/>')


def _heads() -> str:
    return "<defs>{}</defs>".format(
        "".join(
            f'<marker id="{kind}-head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
            f'markerHeight="7" orient="auto-start-reverse"><path d="M0 0 L10 5 L0 10 z" '
            f'class="{ink}"/></marker>'
            for kind, ink in HEADS.items()
        )
    )
