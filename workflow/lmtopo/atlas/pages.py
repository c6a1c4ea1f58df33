"""The page as one file: its sources, the libraries it uses, and its data, nothing to be fetched.

Charts are drawn by Observable Plot (with d3, which it needs): a page tells what it shows instead
of drawing it, marks carry what is under the pointer, and both are SVG, which scales, prints and
has names for screen readers. With 0.5 MB they start at once, where plotly.js would put 4.5 MB
before the first chart. They lie in `page/vendor` as their authors publish them; `VENDOR` says
which.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lmtopo.errors import InputError

SOURCES = Path(__file__).parent / "page"

VENDOR = {
    # d3 7.9.2 and @observablehq/plot 0.6.17 from the npm registry, both ISC licence
    "d3.min.js": "912111098ea99503a6f4967361d2bbdc9dbf58cf9c678c8e27e5b02d1a07f0c1",
    "plot.umd.min.js": "4358086467740777dd788d6b27a95cebdbaefdd50c730a3060117073bd7134cb",
}
"""The libraries in the order in which they are read, and the SHA-256 of each."""

SCRIPTS = ("blocks.js", "study.js", "state.js", "charts.js", "panels.js", "controls.js", "main.js")
"""In one scope, as browsers load no modules from files."""


def page(facts: Mapping[str, Any], blocks: Mapping[str, str]) -> str:
    """The whole page."""
    data = json.dumps(facts, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    parts = {
        "title": escaped(f"{facts['study']}: atlas"),
        "style": source("style.css"),
        # `</script` would end the element that it stands in, and `<!--` begin a comment
        "study": data.replace("<", "\\u003c"),
        "blocks": "\n".join(
            f'<script type="text/plain" id="{escaped(name)}">{content}</script>'
            for name, content in blocks.items()
        ),
        "vendor": "\n".join(
            f"<script>\n{licence(name)}\n{vendored(name)}\n</script>" for name in VENDOR
        ),
        "script": "\n".join(source(name) for name in SCRIPTS),
    }
    # one pass, so that nothing that is filled in is taken for a place to be filled
    first, *rest = source("index.html").split("{{")
    filled = [first]
    for piece in rest:
        name, _, after = piece.partition("}}")
        filled += [parts[name], after]
    return "".join(filled)


def source(name: str) -> str:
    return (SOURCES / name).read_text(encoding="utf-8")


def vendored(name: str) -> str:
    """A library, if it is what `VENDOR` says it is.

    Raises
    ------
    InputError
        If it is not.
    """
    content = (SOURCES / "vendor" / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != VENDOR[name]:
        raise InputError(f"'{name}' is not the file that its authors published: check it out again")
    return content.decode()


def licence(name: str) -> str:
    text = (SOURCES / "vendor" / f"{name.split('.')[0]}.LICENSE").read_text(encoding="utf-8")
    return f"/*!\n{text.strip()}\n*/"


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
