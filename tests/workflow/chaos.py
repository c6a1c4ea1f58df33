"""Runs the tiny study again and again while it is killed, starved and spoilt at random moments.

``python tests/workflow/chaos.py --faults 50 --seed 1`` (or ``make chaos``). After each fault comes
the recovery that the README gives: the same command again. A study that has come through is
compared, byte for byte, with one that nobody disturbed, and the next begins, until there have been
as many faults as asked for. Nothing may be left: no process, lock or temporary file.
"""

import argparse
import io
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import psutil
from workplace import TINY, Workplace, environment

from lmtopo import tables
from lmtopo.errors import Damaged

REFUSED = ("cannot be locked", "under way in this folder")
"""What a run says that must not begin beside another."""
LONGEST = 1200.0
"""Seconds that a run may take before it counts as hanging: where the fork server was killed between
two jobs, the others import for themselves."""
TRIES = 4
"""Runs that a recovery may take: each damaged file is met by itself."""
ROOM = 64 << 20
"""Bytes of the disk that is filled."""


class Run:
    """One Snakemake, started as the README says; what it prints goes to ``log``."""

    def __init__(self, place: Workplace, log: Path) -> None:
        self.place, self.log = place, log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                place.command("--cores", "2"),
                cwd=place.folder,
                env=surroundings(place),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def wait(self) -> int:
        """Its exit status; AssertionError if it hangs."""
        try:
            return self.process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"a run hangs:\n{self.said[-3000:]}") from None


def surroundings(place: Workplace) -> dict[str, str]:
    """The environment of a run, whose temporary files can be counted."""
    folder = place.folder.parent / "tmp"
    folder.mkdir(exist_ok=True)
    return {**environment(), "TMPDIR": str(folder)}


def processes(folder: Path) -> list[psutil.Process]:
    """All processes that work in a folder: Snakemake, the fork server, clients and jobs."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()) == folder and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def kind(process: psutil.Process) -> str:
    """``client``, ``server`` or ``job``, of a process that Snakemake has started."""
    try:
        line, parent = " ".join(process.cmdline()), process.parent()
        if "lmtopo/client.py" in line:
            return "client"
        if "lmtopo.fork_server" in line:
            above = " ".join(parent.cmdline()) if parent else ""
            return "job" if "lmtopo.fork_server" in above else "server"
    except psutil.Error:
        pass
    return "other"


@dataclass(frozen=True)
class Fault:
    """What is done to a study. ``act`` gets the run while it lasts and says what it did, or None
    if there was nothing to do it to."""

    name: str
    act: Callable[[Run, random.Random], str | None]
    at_rest: bool = False
    """Whether it is done between two runs, to files."""


def kill_main(number: signal.Signals) -> Callable[[Run, random.Random], str | None]:
    def act(run: Run, rng: random.Random) -> str | None:
        run.process.send_signal(number)
        return "main process"

    return act


def kill_one(wanted: str, number: signal.Signals) -> Callable[[Run, random.Random], str | None]:
    def act(run: Run, rng: random.Random) -> str | None:
        while run.process.poll() is None:
            found = [one for one in processes(run.place.folder) if kind(one) == wanted]
            if found:
                one = rng.choice(found)
                with suppress(psutil.NoSuchProcess):  # it may have ended by now
                    one.send_signal(number)
                    return f"{wanted} {one.pid}"
            time.sleep(0.02)
        return None

    return act


def kill_all(run: Run, rng: random.Random) -> str | None:
    """As the machine's end would, and as an out-of-memory killer may."""
    found = processes(run.place.folder)
    rng.shuffle(found)
    for one in found:
        with suppress(psutil.Error):
            one.kill()
    return f"{len(found)} processes"


def two_at_once(run: Run, rng: random.Random) -> str | None:
    """A second Snakemake beside the first: one is refused, if both have something to do."""
    second = Run(run.place, run.log.with_name("second.log"))
    ends = [second.wait()]
    beside = run.process.poll() is None and "Nothing to be done" not in second.said
    ends.append(run.wait())
    refused = [any(line in one.said for line in REFUSED) for one in (second, run)]
    assert not all(refused), f"both were refused:\n{run.said}"
    assert any(refused) or not beside, f"neither was refused:\n{run.said}\n{second.said}"
    for one, status, kept_out in zip((second, run), ends, refused, strict=True):
        # it may be the first to read what was spoilt before
        well = status == 0 or kept_out or damaged(one.said)
        assert well, f"it fails beside another:\n{one.said}"
    if any(refused):
        return f"the {'second' if refused[0] else 'first'} was refused"
    return "the second began when the first was done"


def fill_disk(run: Run, rng: random.Random) -> str | None:
    """Nothing more fits on the disk for some seconds, or until the run has given up."""
    ballast = run.place.folder / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(1 << 16)):
            pass
    seconds = rng.uniform(1, 6)
    with suppress(subprocess.TimeoutExpired):
        run.process.wait(seconds)
    size = ballast.stat().st_size
    ballast.unlink()
    return f"{size >> 20} MB for {seconds:.0f} s"


SPOILABLE = (
    *("*.npz", "*.safetensors", "quality.json", "pairs/**/*.parquet", "compare/**/*.parquet"),
    *("noise/**/*.parquet", "tables/*.parquet"),
)


def spoilable(place: Workplace) -> list[Path]:
    """Intermediate files, but for empty ones and those of training runs."""
    results = place.folder / "results/tiny"
    found = {path for pattern in SPOILABLE for path in results.rglob(pattern)}
    jobs = (path for path in found if "runs" not in path.relative_to(results).parts)
    return sorted(path for path in jobs if path.stat().st_size)


def spoil(how: str) -> Callable[[Run, random.Random], str | None]:
    """Spoil a file without a trace: its time of change stays as it was."""

    def act(run: Run, rng: random.Random) -> str | None:
        # the last ones are those that something will still read
        found = sorted(spoilable(run.place), key=lambda path: path.stat().st_mtime_ns)[-12:]
        if how == "flip in weights":
            found = sorted(run.place.folder.glob("results/tiny/runs/*/*/step*/model.safetensors"))
        if not found:
            return None
        path = rng.choice(found)
        name = str(path.relative_to(run.place.folder))
        before, content = path.stat(), bytearray(path.read_bytes())
        if how == "remove":
            path.unlink()
            return name
        if how == "cut":
            content = content[: rng.randrange(len(content))]
        elif how == "empty":
            content = bytearray()
        else:
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        with path.open("r+b") as file:  # in place: a rename would be another file
            file.truncate(0)
            file.write(content)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return name

    return act


def remove_run(run: Run, rng: random.Random) -> str | None:
    found = sorted(run.place.folder.glob("results/tiny/runs/*/*"))
    if not found:
        return None
    path = rng.choice(found)
    shutil.rmtree(path)
    return str(path.relative_to(run.place.folder))


KILL, TERM = signal.SIGKILL, signal.SIGTERM
FAULTS = (
    Fault("SIGKILL to Snakemake", kill_main(KILL)),
    Fault("SIGTERM to Snakemake", kill_main(TERM)),
    Fault("SIGINT to Snakemake", kill_main(signal.SIGINT)),
    Fault("SIGKILL to a job", kill_one("job", KILL)),
    Fault("SIGTERM to a job", kill_one("job", TERM)),
    Fault("SIGKILL to a job's client", kill_one("client", KILL)),
    Fault("SIGKILL to the fork server", kill_one("server", KILL)),
    Fault("SIGTERM to the fork server", kill_one("server", TERM)),
    Fault("SIGKILL to all at once", kill_all),
    Fault("a second Snakemake", two_at_once),
    Fault("full disk", fill_disk),
    Fault("a file cut short", spoil("cut"), at_rest=True),
    Fault("an empty file", spoil("empty"), at_rest=True),
    Fault("a bit turned", spoil("flip"), at_rest=True),
    Fault("a bit of weights turned", spoil("flip in weights"), at_rest=True),
    Fault("a file removed", spoil("remove"), at_rest=True),
    Fault("a training run removed", remove_run, at_rest=True),
)


@dataclass(frozen=True)
class Struck:
    """A fault as it happened: to what, how many seconds into a run, and how that run ended."""

    fault: str
    what: str
    after: float
    ended: str


class Chaos:
    """Studies under faults. ``disk``: where they lie, and whether it can be filled."""

    def __init__(self, folder: Path, *, seed: int, faults: int, can_fill: bool) -> None:
        self._folder, self._rng = folder, random.Random(seed)
        usable = [one for one in FAULTS if can_fill or one.act is not fill_disk]
        rounds = [self._rng.sample(usable, len(usable)) for _ in range(-(-faults // len(usable)))]
        self._waiting = [one for some in rounds for one in some][:faults]
        self._number = 0
        self._spoilt: set[str] = set()
        self.struck: list[Struck] = []
        self.studies, self.unread = 0, 0
        self.expected, self.seconds = self._undisturbed()

    def run(self) -> None:
        """Strike until no fault is waiting, then see the last study to its end."""
        place = self._new()
        while self._waiting:
            if self._strike(place):
                self._check(place)
                place = self._new()
        self._recover(place)
        self._check(place)

    def _new(self) -> Workplace:
        self._number += 1
        self._spoilt.clear()
        folder = self._folder / f"study{self._number}"
        folder.mkdir()
        (folder / "tiny.yaml").write_text(TINY.read_text())
        return Workplace(folder)

    def _undisturbed(self) -> tuple[dict[str, bytes], float]:
        place, began = self._new(), time.monotonic()
        run = Run(place, self._log)
        assert run.wait() == 0, run.said
        seconds = time.monotonic() - began
        self.leftovers(place)
        expected = outcome(place)
        shutil.rmtree(place.folder)
        return expected, seconds

    @property
    def _log(self) -> Path:
        return self._folder.parent / "run.log"

    def _strike(self, place: Workplace) -> bool:
        """One run and the fault that is next; whether the study is finished instead."""
        fault, rng = self._waiting[0], self._rng
        began = time.monotonic()
        run = Run(place, self._log)
        # a third while it starts, and of two at once half from the very start
        delay = rng.uniform(0, 0.1 if rng.random() < 1 / 3 else 0.3) * self.seconds
        if fault.act is two_at_once and rng.random() < 0.5:
            delay = 0.0
        with suppress(subprocess.TimeoutExpired):
            run.process.wait(delay)
        if run.process.poll() == 0 and not fault.at_rest:
            return True
        if fault.at_rest and run.process.poll() is None:
            run.process.kill()
            run.wait()
        self._started(run)
        what = None if run.process.poll() is not None and not fault.at_rest else fault.act(run, rng)
        after = time.monotonic() - began
        status = run.wait()
        if fault.act is not two_at_once:
            self._started(run)
        if what is not None:
            self._waiting.pop(0)
            ended = "between runs" if fault.at_rest else how(status)
            self.struck.append(Struck(fault.name, what, after, ended))
            say(f"{len(self.struck):4}  {after:5.1f} s  {fault.name}: {what}; {ended}")
            if fault.at_rest:
                self._spoilt.add(what)
        else:  # nothing to do it to: another first
            self._waiting.append(self._waiting.pop(0))
        return False

    def _started(self, run: Run) -> None:
        """A run is never kept out by what another has left."""
        for line in (*REFUSED, "IncompleteFilesException"):
            assert line not in run.said, run.said

    def _recover(self, place: Workplace) -> None:
        """The command of the README, until it succeeds."""
        for _ in range(TRIES):
            run = Run(place, self._log)
            if run.wait() == 0:
                return
            text = run.said
            self._started(run)
            named = damaged(text)
            assert named, f"it fails without a fault:\n{text[-4000:]}"
            for path, by_hand in named.items():
                spoilt = any(one.startswith(path) for one in self._spoilt)
                assert spoilt, f"nothing was done to '{path}':\n{text[-4000:]}"
                if by_hand:
                    shutil.rmtree(place.folder / path, ignore_errors=True)
        raise AssertionError(f"not recovered by {TRIES} runs:\n{run.said[-4000:]}")

    def _check(self, place: Workplace) -> None:
        """The study is the undisturbed one, and nothing else is left."""
        self._recover(place)
        if damaged := damaged_tables(place):  # only a reader sees it: a finished study reads none
            for path in damaged:
                path.unlink()
            self._recover(place)
        found = outcome(place)
        differ = {
            name
            for name in self.expected.keys() | found
            if found.get(name) != self.expected.get(name)
        }
        unread = {
            path
            for path in self._spoilt
            if any(f"results/tiny/{name}".startswith(path) for name in differ)
        }
        spoilt = {name for name in differ if f"results/tiny/{name}".startswith(tuple(self._spoilt))}
        assert differ == spoilt, f"these differ: {sorted(differ - spoilt)}"
        for name in spoilt:
            if name.startswith("tables/"):  # a bit that stands for nothing
                expected = pd.read_parquet(io.BytesIO(self.expected[name]))
                pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(found[name])), expected)
        self.leftovers(place)
        self.studies += 1
        self.unread += len(unread)
        say(f"      study {self.studies}: as undisturbed, and nothing left")
        shutil.rmtree(place.folder)

    def leftovers(self, place: Workplace) -> None:
        """AssertionError if a process, lock or temporary file is left."""
        until = time.monotonic() + 5
        while left := processes(place.folder):
            assert time.monotonic() < until, f"these are left: {[one.cmdline() for one in left]}"
            time.sleep(0.1)
        temporary = set((place.folder.parent / "tmp").iterdir())
        # Snakemake makes one before it reads a line of ours, and leaves it if it is killed there
        begun = {path for path in temporary if path.name.startswith("snakemake") and empty(path)}
        torchs = {path for path in temporary if path.name.startswith("torchinductor_")}  # on import
        files = [
            *place.folder.glob(".snakemake/locks/*"),
            *place.folder.glob(".snakemake/incomplete/*"),
            *place.folder.glob(".lmtopo/state/*"),
            *place.folder.rglob(".*.tmp-*"),
            *temporary - begun - torchs,
        ]
        assert not files, f"these are left: {sorted(map(str, files))}"


def damaged(said: str) -> dict[str, bool]:
    """What a run has found damaged, and whether the user is asked to delete it."""
    found = re.findall(r"'([^'\n]+)' is damaged \([^)]*\)(: delete it)?", said)
    return {path: bool(by_hand) for path, by_hand in found}


def empty(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def damaged_tables(place: Workplace) -> list[Path]:
    """The tables that `lmtopo.load_study` would refuse to read."""
    found = []
    for path in sorted(place.folder.glob("results/tiny/tables/*.parquet")):
        try:
            tables.read(path)
        except Damaged:
            found.append(path)
    return found


def outcome(place: Workplace) -> dict[str, bytes]:
    """All results that are bytes for bytes the same each time, findings and figures among them."""
    results = place.folder / "results/tiny"
    more = [results / "findings.md", *results.glob("figures/*")]
    return place.results() | {str(path.relative_to(results)): path.read_bytes() for path in more}


def how(status: int) -> str:
    if status == 0:
        return "the run went on to its end"
    return f"the run died of signal {-status}" if status < 0 else f"the run failed ({status})"


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Put a disk of `ROOM` bytes at ``folder``; whether that was possible (it takes root)."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "lmtopo-chaos", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def chaos(faults: int, seed: int, folder: Path) -> Chaos:
    """Strike ``faults`` times in ``folder``; AssertionError if one is not recovered from."""
    with small_disk(folder / "disk") as can_fill:
        if not can_fill:
            say("No small disk can be mounted here (it takes root): none is filled.")
        disk = folder / "disk"
        (disk / "tmp").mkdir()
        try:
            run = Chaos(disk, seed=seed, faults=faults, can_fill=can_fill)
            run.run()
        finally:
            for place in disk.glob("study*"):
                for process in processes(place):
                    with suppress(psutil.Error):
                        process.kill()
        return run


def table(struck: list[Struck]) -> str:
    """Markdown: each kind of fault, how often, and how the runs ended that it struck."""
    lines = ["| fault | times | how the run ended that it struck |", "|---|---|---|"]
    for fault in dict.fromkeys(one.name for one in FAULTS):
        ends = Counter(one.ended for one in struck if one.fault == fault)
        if ends:
            said = "; ".join(f"{end}: {count}" for end, count in ends.most_common())
            lines.append(f"| {fault} | {ends.total()} | {said} |")
    return "\n".join(lines)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description="Studies under faults at random moments.")
    parser.add_argument("--faults", type=int, default=50, help="how many (50)")
    parser.add_argument("--seed", type=int, default=1, help="which faults and when (1)")
    arguments = parser.parse_args()
    # what is ignored here would be in Snakemake, too
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="lmtopo-chaos-") as folder:
        done = chaos(arguments.faults, arguments.seed, Path(folder))
    say(f"\n{table(done.struck)}\n")
    say(
        f"{len(done.struck)} faults, seed {arguments.seed}: {done.studies} studies came through, "
        f"each with the tables of the undisturbed one, byte for byte, and nothing left. "
        f"{done.unread} spoilt files or folders were never read again and stayed as they were."
    )


if __name__ == "__main__":
    main()
