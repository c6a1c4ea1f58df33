"""Reading a study's results, in a notebook or anywhere else."""

import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex, get_args

import numpy as np
from jaxtyping import Float64

from lmtopo.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from lmtopo.formats.curves import Curves


def diagrams(
    study: str,
    *,
    model: str,
    checkpoint: str | SupportsIndex,
    dataset: str,
    layer: str,
    pooling: str,
    replicate: int = 0,
    budget: str | None = None,
    results: str | Path = "results",
) -> list[Float64[np.ndarray, "bars 2"]]:
    """Persistence diagrams H0 .. Hk of one cloud, as persim, ripser and gudhi take them.

    Each is an (n, 2) array of births and deaths in the units of the metric, ``inf`` for what never
    dies. ``checkpoint`` is its name, as ``step512``, or its step, 512; ``budget`` may be left out
    where the model has one run; ``replicate`` counts the subsamples.

    Raises
    ------
    InputError
        If there are no such diagrams; it says what there is.
    """
    return StudyResults(Path(results) / study).diagrams(
        model=model,
        budget=budget,
        checkpoint=checkpoint,
        dataset=dataset,
        layer=layer,
        pooling=pooling,
        replicate=replicate,
    )


def load_study(path: str | Path) -> "StudyResults":
    """A finished study: ``path`` is its folder under ``results/``, the name of that, or what
    ``snakemake archive`` makes of it, a zip (unpacked to a temporary folder, which goes when the
    study does).

    Raises
    ------
    InputError
        If there are no tables, or the zip is damaged or no archive of a study.
    """
    path, scratch = Path(path), None
    folder = path
    if path.is_file():
        scratch = tempfile.TemporaryDirectory(prefix="lmtopo-")
        folder = unpacked(path, Path(scratch.name))
    elif len(path.parts) == 1 and not (path / "tables").is_dir():
        folder = "results" / path
    if not (folder / "tables").is_dir():
        raise InputError(
            f"'{path}' is no study: give a folder in which tables/ lies, the name of one under "
            "results/, or the zip that 'snakemake archive' has made of it"
        )
    return StudyResults(folder, path if scratch else None, scratch)


@dataclass(frozen=True)
class StudyResults:
    """What a study has found, in a folder laid out as ``results/{study}``."""

    folder: Path
    archive: Path | None = None
    """The zip that was unpacked to ``folder``, if it was one."""
    _scratch: "tempfile.TemporaryDirectory[str] | None" = field(default=None, repr=False)

    @cached_property
    def config(self) -> dict[str, Any]:
        """The study's configuration, every default written out."""
        found: dict[str, Any] = self._json("provenance.json")["config"]
        return found

    @property
    def tables(self) -> list[str]:
        """The names of the tables."""
        return sorted(path.stem for path in (self.folder / "tables").glob("*.parquet"))

    def table(self, name: str) -> "pd.DataFrame":
        """A table by its name."""
        from lmtopo.tables import read

        if name not in self.tables:
            raise InputError(f"there is no table '{name}' (there are: {', '.join(self.tables)})")
        return read(self.folder / "tables" / f"{name}.parquet")

    @cached_property
    def quality(self) -> "pd.DataFrame":
        """The table ``quality``."""
        return self.table("quality")

    @cached_property
    def signatures(self) -> "pd.DataFrame":
        """The table ``signatures``."""
        return self.table("signatures")

    @property
    def findings(self) -> str:
        """What the study has found, in sentences (Markdown)."""
        return self._file("findings.md").read_text()

    def diagrams(
        self,
        *,
        model: str,
        checkpoint: str | SupportsIndex,
        dataset: str,
        layer: str,
        pooling: str,
        replicate: int = 0,
        budget: str | None = None,
    ) -> list[Float64[np.ndarray, "bars 2"]]:
        """Persistence diagrams of one cloud, see `lmtopo.diagrams`."""
        from lmtopo.formats.diagrams import load

        with self._naming_the_archive():
            place = self._pair(model, budget, checkpoint, dataset)
            return load(place / "diagrams.npz").diagrams(layer, pooling, replicate)

    def curves(
        self,
        *,
        model: str,
        checkpoint: str | SupportsIndex,
        dataset: str,
        budget: str | None = None,
    ) -> "Curves":
        """The curves of one pair: Betti and Euler curves, landscapes, images, GRIDE's."""
        from lmtopo.formats.curves import load

        with self._naming_the_archive():
            return load(self._pair(model, budget, checkpoint, dataset) / "curves.npz")

    @property
    def figures(self) -> list[str]:
        """The names of the figures that `redraw` knows."""
        return list(self._json("recipes.json")["figures"])

    def redraw(
        self,
        *figures: str,
        folder: str | Path,
        formats: Sequence[str] = ("png", "svg"),
        width: float | None = None,
    ) -> list[Path]:
        """Draw figures (all, if none is named) from the tables and diagrams into ``folder``, as
        the study did: ``folder/{figure}.{format}``. ``width`` in inches, 6 to 20, if another is
        wanted.

        Raises
        ------
        InputError
            If there is no such figure or format, it cannot be so wide, or what it shows is gone.
        """
        from lmtopo.draw import draw
        from lmtopo.study.schema import FIGURE_WIDTHS, FigureFormat

        least, most = FIGURE_WIDTHS
        if width is not None and not least <= width <= most:
            raise InputError(f"width is {width:g} inches: give {least} to {most}")
        told = self._json("recipes.json")
        if unknown := set(figures) - set(told["figures"]):
            raise InputError(
                f"no figure {sorted(unknown)} (there are: {', '.join(told['figures'])})"
            )
        if odd := set(formats) - set(get_args(FigureFormat)):
            raise InputError(
                f"no format {sorted(odd)} (there are: {', '.join(get_args(FigureFormat))})"
            )
        drawn = []
        for name in figures or told["figures"]:
            arguments = moved(told["figures"][name], told["results"], self.folder)
            if width is not None:
                arguments["width"] = width
            paths = [Path(folder) / f"{name}.{extension}" for extension in formats]
            try:
                draw(**arguments, figure=[str(path) for path in paths])
            except FileNotFoundError as error:
                raise InputError(
                    f"what figure '{name}' shows is not among the results ({error}): run the "
                    "study to its end"
                ) from None
            drawn += paths
        return drawn

    def _json(self, name: str) -> Any:
        from lmtopo.files import read_json

        return read_json(self._file(name))

    def _file(self, name: str) -> Path:
        if not (self.folder / name).is_file():
            raise InputError(
                f"there is no {name} in '{self.archive or self.folder}': run the study to its end"
            )
        return self.folder / name

    def _pair(
        self, model: str, budget: str | None, checkpoint: str | SupportsIndex, dataset: str
    ) -> Path:
        place = self.folder / "pairs"
        budget = budget or only(place / model, "budget")
        for name, value in (
            ("model", model),
            ("budget", budget),
            ("checkpoint", checkpoint_name(checkpoint)),
            ("dataset", dataset),
        ):
            if not (place / value).is_dir():
                known = ", ".join(inside(place))
                raise InputError(f"no {name} '{value}' in {place} (there are: {known})")
            place /= value
        return place

    @contextmanager
    def _naming_the_archive(self) -> Iterator[None]:
        """Errors about files of an archive name it, not the temporary folder."""
        try:
            yield
        except InputError as error:
            if self.archive is None:
                raise
            raise InputError(str(error).replace(str(self.folder), str(self.archive))) from None


def checkpoint_name(checkpoint: str | SupportsIndex) -> str:
    """``step512`` of the step 512."""
    return checkpoint if isinstance(checkpoint, str) else f"step{index(checkpoint)}"


def unpacked(path: Path, folder: Path) -> Path:
    """Unpack an archive into ``folder``; where its study lies."""
    try:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise InputError(f"'{path}' is no archive of a study, or damaged: {error}") from None
    studies = [tables.parent for tables in folder.glob("*/tables")]
    if len(studies) != 1:
        raise InputError(f"'{path}' is no archive of a study: it holds {len(studies)} of them")
    return studies[0]


def moved(value: Any, old: str, new: Path) -> Any:
    """JSON in which paths under the folder ``old`` lie under ``new``."""
    if isinstance(value, dict):
        return {key: moved(item, old, new) for key, item in value.items()}
    if isinstance(value, list):
        return [moved(item, old, new) for item in value]
    if isinstance(value, str) and value.startswith(f"{old}/"):
        return str(new / value.removeprefix(f"{old}/"))
    return value


def inside(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def only(folder: Path, what: str) -> str:
    """The one folder inside; an error if there are several to choose from."""
    names = inside(folder)
    if len(names) == 1:
        return names[0]
    if not names:
        raise InputError(
            f"no results in {folder} (there are: {', '.join(inside(folder.parent)) or 'none'})"
        )
    raise InputError(f"{folder} has several runs: give {what}, one of {', '.join(names)}")
