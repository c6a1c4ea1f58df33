"""Stage `archive`: all of a study that another person needs to read and redraw it, in one file.

The zip holds one folder, named for the study, laid out as ``results/{study}`` is: tables, findings,
figures, the atlas, and of every pair diagrams, curves, projection and provenance. Clouds, weights,
probes and the draws of nulls one by one are left out. `lmtopo.load_study` reads either.
"""

import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from lmtopo.checksums import reading
from lmtopo.errors import Damaged
from lmtopo.files import atomic, read_json
from lmtopo.tables import PAIR, read

OF_A_PAIR = ("diagrams.npz", "curves.npz", "projection.npz", "provenance.json")
AUDIT = "audit.csv"
ABSOLUTE = re.compile(r"(?:/|~[^/~]*/)[^/]")
"""How an absolute path begins; a separator such as ``/`` or ``~~~`` is none."""
ENDS = {
    ".png": b"IEND\xaeB`\x82",
    ".svg": b"</svg>\n",
    ".pdf": b"%%EOF\n",
    ".html": b"</html>\n",
    ".md": b"\n",
    ".csv": b"\n",
}
"""How files end, of kinds that carry no checksum."""
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first date that a zip can have: the same study gives the same bytes."""


def archive(*, archive: str, results: str, parts: Sequence[str]) -> None:
    """Write the zip ``archive`` of the study whose results lie in the folder ``results``: of
    ``parts``, its tables, text, figures and page (what else lies there is of an earlier form of the
    study), and of every pair.

    The same results give the same bytes. Absolute paths in the configuration and in provenances,
    which say where things lay on this machine, are cut to their last part.

    Raises
    ------
    Damaged
        If a table or a file of arrays is not as it was written, JSON is none, or a picture, page or
        text is cut short.
    """
    folder = Path(results)
    with reading(folder / "provenance.json"):
        config = without_places(read_json(folder / "provenance.json")["config"])
    with atomic(archive) as temporary, zipfile.ZipFile(temporary, "w") as into:
        for path in sorted(archived(folder, parts)):
            name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
            check(path)
            told = path.name == "provenance.json"
            put(into, name, without_places_in(path) if told else path.read_bytes())
        put(into, f"{folder.name}/config.yaml", yaml.safe_dump(config, sort_keys=False).encode())


def archived(folder: Path, parts: Sequence[str]) -> Iterator[Path]:
    """The files of a study's results that its archive holds."""
    yield from map(Path, parts)
    if (folder / AUDIT).is_file():
        yield folder / AUDIT
    pairs = read(folder / "tables/quality.parquet")[list(PAIR)].drop_duplicates()
    for pair in pairs.itertuples(index=False):
        place = folder.joinpath("pairs", *pair)
        yield from (place / name for name in OF_A_PAIR)


def check(path: Path) -> None:
    """Damaged if a table or a file of arrays is not as it was written, or another is cut short."""
    if path.suffix == ".parquet":
        read(path)
    if path.suffix == ".json":
        with reading(path):
            read_json(path)
    if path.suffix == ".npz":
        with reading(path), zipfile.ZipFile(path) as file:
            if (array := file.testzip()) is not None:
                raise ValueError(f"the checksum of {array} differs")
    if not path.read_bytes().endswith(ENDS.get(path.suffix, b"")):
        raise Damaged(path, "its end is missing")


def put(into: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Add a file to a zip, with nothing about it but its name and content."""
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.external_attr = 0o644 << 16
    into.writestr(entry, content, zipfile.ZIP_DEFLATED)


def without_places_in(path: Path) -> bytes:
    told = without_places(read_json(path))
    return (json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode()


def without_places(value: Any) -> Any:
    """JSON without absolute paths: of each, in keys and values, the last part."""
    if isinstance(value, dict):
        return {without_places(key): without_places(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_places(item) for item in value]
    if isinstance(value, str) and ABSOLUTE.match(value):
        return Path(value).name
    return value
