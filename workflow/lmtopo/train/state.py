"""How far a run is: kept on disk so that a killed run goes on, and told to whoever watches."""

import csv
import hashlib
import json
import os
import shutil
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn
from torch.optim import Optimizer

from lmtopo.errors import InputError
from lmtopo.files import atomic, lock
from lmtopo.job import say
from lmtopo.tables import write

STATE = Path(".lmtopo/state")
LOCKS = Path(".lmtopo/locks")
PLACE = "place.txt"
"""What says, beside a state, where its run is going to lie."""
SAVE_EVERY = 30.0  # seconds
SAY_EVERY = 5.0
COLUMNS = ("loss", "learning_rate", "gradient_norm")


class State:
    """The state of a run under ``.lmtopo/state/``, named by everything the run depends on.

    Snakemake deletes the declared outputs of a job it repeats, so the run grows here, in the
    folder `run`, and is moved to ``place`` when it is complete. One process has it at a time.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        *,
        place: str,
        key: Any,
        steps: Sequence[int],
        name: str,
    ) -> None:
        text = json.dumps(key, sort_keys=True)
        self._folder = STATE / hashlib.sha256(text.encode()).hexdigest()[:16]
        self._model, self._optimizer, self._name = model, optimizer, name
        self._place = place
        self._steps, self._last = steps, steps[-1]
        self._rows = torch.full((self._last, len(COLUMNS)), torch.nan, dtype=torch.float64)
        self._timing: list[tuple[int, int, float]] = []
        self.step = 0
        path = lock_of(self._folder)
        held = lock(path)
        if held is None:
            raise InputError(
                f"run '{name}' is being trained by another job, perhaps one that a killed run has "
                f"left: wait for its end, or cancel it (it holds '{path}')"
            )
        self._held = held
        self.run = self._folder / "run"
        self.run.mkdir(parents=True, exist_ok=True)
        (self._folder / PLACE).write_text(place)
        saved = self._folder / "state.pt"
        if saved.is_file():
            self._read(saved)
        self._first, self._began = self.step, time.perf_counter()
        self._saved = self._said = self._began

    def __enter__(self) -> "State":
        return self

    def __exit__(self, *error: object) -> None:
        """Let others have the state."""
        os.close(self._held)

    def done(self, step: int, **values: float) -> None:
        """Note a finished step; save and tell the state when it is time."""
        self._rows[step] = torch.tensor([values[column] for column in COLUMNS], dtype=torch.float64)
        self.step = step + 1
        now = time.perf_counter()
        if now - self._saved > SAVE_EVERY:
            self._write()
            self._saved = now
        if now - self._said > SAY_EVERY or self.step == self._last:
            self._tell(values["loss"], now)
            self._said = now

    def finish(self, columns: Callable[[int], dict[str, float]]) -> None:
        """Write the tables of the run, move it to its place, and remove what earlier settings have
        left half trained."""
        lost = [step for step in self._steps if not (self.run / f"step{step}").is_dir()]
        if lost:
            raise InputError(
                f"run '{self._name}' has lost step{lost[0]} while it trained (was .lmtopo/state "
                "changed?): run snakemake again"
            )
        steps = range(1, self._last + 1)
        frame = pd.DataFrame(self._rows.numpy(), columns=list(COLUMNS))
        spent = pd.DataFrame([columns(step) for step in steps])
        frame = pd.concat([pd.DataFrame({"step": steps}), frame, spent], axis=1)
        write(self.run / "training.parquet", frame)
        with (self.run / "timing.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("first_step", "last_step", "seconds"))
            rows.writerows([*self._timing, self._stretch()])
        (self._folder / "state.pt").unlink(missing_ok=True)
        with atomic(self._place) as temporary:
            shutil.move(self.run, temporary)
        shutil.rmtree(self._folder)
        remove_others(self._place)

    def _stretch(self) -> tuple[int, int, float]:
        """Steps since the process began, and the seconds they took."""
        return self._first, self.step, round(time.perf_counter() - self._began, 3)

    def _write(self) -> None:
        state = {
            "step": self.step,
            "model": self._model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "rows": self._rows,
            "timing": [*self._timing, self._stretch()],
        }
        with atomic(self._folder / "state.pt") as temporary:
            torch.save(state, temporary)

    def _read(self, path: Path) -> None:
        try:
            check_sums(path)
            state = torch.load(path, weights_only=True, map_location="cpu")
        except Exception as error:  # a damaged file: of many kinds, and nothing to go on from
            say(f"train {self._name}: begins anew, its saved state is damaged ({error})")
            return
        passed = [step for step in self._steps if step < state["step"]]
        if not all((self.run / f"step{step}").is_dir() for step in passed):
            return  # killed while the finished run was moved away: nothing to go on from
        self._model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._rows, self._timing, self.step = state["rows"], state["timing"], state["step"]
        say(f"train {self._name}: goes on from step {self.step} of {self._last}")

    def _tell(self, loss: float, now: float) -> None:
        share = self.step / self._last
        left = (now - self._began) / (self.step - self._first) * (self._last - self.step)
        bar = "█" * round(20 * share) + "░" * (20 - round(20 * share))
        say(
            f"train {self._name} {bar} {share:4.0%}  step {self.step}/{self._last}"
            f"  loss {loss:.3f}  {int(left) // 60}:{int(left) % 60:02d} left"
        )


def lock_of(folder: Path) -> Path:
    return LOCKS / f"{folder.name}.lock"


def remove_others(place: str) -> None:
    """Remove the states of a run that nobody trains now: its settings were others when they began,
    and nothing goes on from them."""
    for note in STATE.glob(f"*/{PLACE}"):
        if note.read_text() == place and (held := lock(lock_of(note.parent))) is not None:
            shutil.rmtree(note.parent)
            os.close(held)


def check_sums(path: Path) -> None:
    """ValueError if a file that torch has saved differs from its checksums, which torch itself does
    not look at when it loads it."""
    with zipfile.ZipFile(path) as file:
        if (entry := file.testzip()) is not None:
            raise ValueError(f"the checksum of {entry} differs")
