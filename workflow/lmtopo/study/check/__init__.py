"""What can be wrong with a study, found before any job starts and told all at once."""

from lmtopo.study.check.datasets import datasets
from lmtopo.study.check.duplicates import unique_keys
from lmtopo.study.check.parse import parse, report
from lmtopo.study.check.references import names, outside_metrics, tokenizers

__all__ = ["datasets", "names", "outside_metrics", "parse", "report", "tokenizers", "unique_keys"]
