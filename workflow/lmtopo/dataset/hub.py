"""Source `hub`: a dataset of the Hugging Face hub, its files checked and its rows counted."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lmtopo.dataset.documents import text_columns
from lmtopo.dataset.local import Part, open_rows
from lmtopo.dataset.published import KNOWN
from lmtopo.dataset.readers import Row
from lmtopo.errors import InputError
from lmtopo.job import say

if TYPE_CHECKING:
    from lmtopo.hub.snapshot import Snapshot

FORMATS = {
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "lines",
}
CARD = "README.md"
SCRATCH = Path(".lmtopo/hub/datasets")


@dataclass(frozen=True)
class Source:
    """The splits of a dataset on the hub, opened; ``published`` rows of each, where known."""

    snapshot: "Snapshot"
    parts: list[Part]
    published: Mapping[str, int]
    scratch: Path
    cut: set[str] = field(default_factory=set)
    """Splits that were ended before their last row, known once they are read."""
    used: list[str] = field(default_factory=list)
    """Files that were read, known once they are."""

    def check_rows(self, counts: Mapping[str, int]) -> None:
        """Refuse a split with another number of rows than were published.

        Raises
        ------
        InputError
            With both numbers.
        """
        for split, count in counts.items():
            expected = self.published.get(split, count)
            if split not in self.cut and count != expected:
                raise InputError(
                    f"{self.snapshot.name}: split '{split}' has {count:,} rows, but {expected:,} "
                    "were published: if the dataset has changed, give the new numbers with rows:"
                )

    def close(self) -> None:
        """Delete what was downloaded."""
        shutil.rmtree(self.scratch, ignore_errors=True)


def source(origin: Mapping[str, Any], *, patience: float, folder: str) -> Source:
    """Find a dataset's files and open its splits; files are fetched when their rows are read, to a
    place of its own for the ``folder`` that is made of them.

    With ``tokens``, the split ``train`` ends at the document with which its words, of which every
    tokenizer makes at least one token each, reach that number; files after it are not fetched.

    Raises
    ------
    InputError
        If there is no such dataset or configuration, or its files are in no known format.
    """
    from lmtopo.hub.snapshot import read

    repo, name = origin["repo"], origin.get("name")
    known = KNOWN.get((repo, name))
    snapshot = read(repo, origin.get("revision", "main"), kind="dataset", patience=patience)
    own = hashlib.sha256(folder.encode()).hexdigest()[:8]
    place = f"{repo.replace('/', '--')}-{snapshot.commit[:12]}-{name or 'default'}-{own}"
    scratch = SCRATCH / place
    splits, counts = find_splits(snapshot, name, scratch, patience)
    given = origin.get("rows") or {}
    if strange := sorted(given.keys() - splits.keys()):
        raise InputError(
            f"rows: {snapshot.name} has no split '{strange[0]}' (it has: {', '.join(splits)})"
        )
    published = {**counts, **(known.rows if known else {}), **given}
    found = Source(snapshot, [], published, scratch)
    options = {**origin, "documents": origin.get("documents") or (known and known.documents)}
    for split, names in splits.items():
        options["format"] = format_of(snapshot, names)
        files = fetched(found, names, patience)
        part = open_rows(options, split, Path(split), files)
        if split == "train" and origin.get("tokens"):
            limited = until(part, int(origin["tokens"]), found.cut)
            part = Part(split, part.path, part.unit, limited, part.dropped)
        found.parts.append(part)
    return found


def find_splits(
    snapshot: "Snapshot", name: str | None, scratch: Path, patience: float
) -> tuple[dict[str, list[str]], dict[str, int]]:
    """The files of each split, and the rows that the dataset's card gives.

    The ``datasets`` library decides, as ``load_dataset`` does, by the card and the files' names: it
    is shown a folder with the card and empty files.
    """
    from datasets.exceptions import DatasetNotFoundError
    from datasets.load import load_dataset_builder

    from lmtopo.hub.download import fetch

    # the library resolves the folder's name and takes it for a pattern, so it has none of a user's
    with tempfile.TemporaryDirectory(prefix="lmtopo-") as temporary:
        skeleton = Path(temporary).resolve() / "names"
        for path in snapshot.files:
            (skeleton / path).parent.mkdir(parents=True, exist_ok=True)
            if path == CARD:
                card = fetch(snapshot, path, scratch, patience=patience).read_text(encoding="utf-8")
                (skeleton / path).write_text(of_one(card, name) if name else card, encoding="utf-8")
            else:
                (skeleton / path).touch()
        try:
            builder = load_dataset_builder(str(skeleton), name, cache_dir=f"{temporary}/cache")
            files = builder.config.data_files
        except (ValueError, FileNotFoundError, DatasetNotFoundError) as error:
            # the second line names what there is
            line = " ".join(str(error).splitlines()[:2]).replace(str(skeleton), snapshot.repo)
            raise InputError(f"{snapshot.name}: {line} (give one with name:)") from error
    order = {"train": 0, "validation": 1, "test": 2}
    splits = sorted(files or {}, key=lambda split: order.get(str(split), 3))
    found = {
        str(split): [str(Path(path).relative_to(skeleton)) for path in files[split]]
        for split in splits
    }
    counts = {
        str(split): int(info.num_examples)
        for split, info in (builder.info.splits or {}).items()
        if info.num_examples
    }
    return found, counts


def of_one(card: str, name: str) -> str:
    """A card without the configurations beside ``name``, if that is one of them: their files need
    not be there in an offline cache, but the library looks at those of the first."""
    from huggingface_hub import DatasetCard

    read = DatasetCard(card)
    wanted = [one for one in read.data.get("configs") or [] if one.get("config_name") == name]
    if wanted:
        read.data["configs"] = wanted
    return str(read)


def format_of(snapshot: "Snapshot", names: list[str]) -> str:
    """The format of a split's files, by their suffix."""
    suffix = Path(names[0]).suffix
    if suffix not in FORMATS:
        raise InputError(
            f"{snapshot.name}: '{names[0]}' is in no format that can be read here "
            f"({', '.join(FORMATS)}): download it and give it with source: local"
        )
    return FORMATS[suffix]


def fetched(found: Source, names: list[str], patience: float) -> Iterator[Path]:
    """The files one after the other, each downloaded when the one before has been read."""
    from lmtopo.hub.download import fetch

    for number, name in enumerate(names, 1):
        if len(names) > 1:
            say(f"{found.snapshot.name}: file {number} of {len(names)}")
        found.used.append(name)
        yield fetch(found.snapshot, name, found.scratch / "files", patience=patience)


def until(part: Part, words: int, cut: set[str]) -> Iterator[Row]:
    """Rows of a part up to the one with which their words reach a number."""
    columns, seen = text_columns(part.unit), 0
    for row in part.rows:
        if seen >= words:
            cut.add(str(part.split))
            return
        seen += sum(len(row[column].split()) for column in columns)
        yield row
