"""Topological signatures of resource-constrained language-model training."""

__version__ = "0.1.0"
