"""A Slurm of one node, in a folder and on ports of its own."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path

import psutil

DAEMONS = ("munged", "slurmctld", "slurmd")
SETTINGS = """
ClusterName=lmtopo
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
SlurmdTimeout=10
SchedulerParameters=bf_interval=5
MpiDefault=none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
MinJobAge=3600
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=64000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
"""The node claims more than the machine has, so that jobs wait for each other and not for room."""


def program(name: str) -> str | None:
    """Where a daemon is; None if it is not installed."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


MISSING = [name for name in DAEMONS if program(name) is None]


@dataclass
class Cluster:
    """A running Slurm; ``environment`` is what its commands, and Snakemake, need beside their
    own."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
        }

    def daemon(self, name: str, *arguments: str) -> None:
        command = [str(program(name)), *arguments]
        subprocess.run(command, check=True, env={**os.environ, **self.environment}, timeout=30)

    def ask(self, *command: str) -> str:
        return subprocess.run(
            command,
            check=True,
            env={**os.environ, **self.environment},
            timeout=30,
            capture_output=True,
            text=True,
        ).stdout

    def jobs(self) -> list[list[str]]:
        """State and comment of every job so far; the comment names its rule."""
        text = self.ask("squeue", "--states=all", "--noheader", "--format=%T|%k")
        return [line.split("|", 1) for line in text.splitlines()]

    def processes(self) -> list[psutil.Process]:
        """The node's: its daemon, those that watch its jobs (which tell how a job ended: they
        come before it), and the jobs."""
        found = set()
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                if process.environ().get("SLURM_CONF") != self.environment["SLURM_CONF"]:
                    continue
                if process.name() == "slurmd":
                    found.add(process)
                # what watches a job has not its environment
                for parent in process.parents():
                    if parent.name() == "slurmstepd":
                        found |= {parent, *parent.children(recursive=True)}
        return sorted(found, key=lambda one: one.name() not in ("slurmd", "slurmstepd"))

    def fail(self) -> None:
        """The node loses its power, is missed, and comes back."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.await_node("down")
        self.daemon("slurmd")

    def await_node(self, state: str) -> None:
        until = time.monotonic() + 90
        while not self.ask("sinfo", "--noheader", "--format=%T").startswith(state):
            assert time.monotonic() < until, self.log("slurmctld") + self.log("slurmd")
            time.sleep(0.2)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def stop(self) -> None:
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        for name in ("slurmctld", "munged"):  # slurmd is among the processes
            with suppress(FileNotFoundError, ProcessLookupError, ValueError):
                os.kill(int((self.folder / f"{name}.pid").read_text()), signal.SIGKILL)


def free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


@contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """A Slurm that is up; all its processes are gone afterwards."""
    host = socket.gethostname().split(".")[0]
    settings = SETTINGS.format(host=host, user=getuser(), folder=folder, ports=free_ports(2))
    (folder / "slurm.conf").write_text(settings)
    for name in ("state", "spool", "bin"):
        (folder / name).mkdir()
    # Snakemake's step of a job hides SLURM_CONF from srun
    srun = folder / "bin/srun"
    srun.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {program("srun")} "$@"\n')
    srun.chmod(0o755)
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    cluster = Cluster(folder)
    try:
        cluster.daemon(
            "munged",
            "--force",  # a folder below /tmp is not trusted otherwise
            f"--socket={folder}/munge.socket",
            f"--key-file={key}",
            f"--pid-file={folder}/munged.pid",
            f"--log-file={folder}/munged.log",
            f"--seed-file={folder}/munged.seed",
        )
        cluster.daemon("slurmctld")
        cluster.daemon("slurmd")
        cluster.await_node("idle")
        yield cluster
    finally:
        cluster.stop()
