"""The study: a validated configuration, and which runs, checkpoints and pairs follow from it."""

from lmtopo.study.resolve import Checkpoint, Run, Study, read

__all__ = ["Checkpoint", "Run", "Study", "read"]
