"""What is known of the datasets that the studies are made for: rows, licence, documents."""

from collections.abc import Mapping
from dataclasses import dataclass

from lmtopo.dataset.documents import Unit


@dataclass(frozen=True)
class Published:
    """Rows of each split as published, where known; the licence; what a document is."""

    rows: Mapping[str, int]
    licence: str
    documents: Unit


KNOWN = {
    ("Salesforce/wikitext", "wikitext-2-raw-v1"): Published(
        {"train": 36_718, "validation": 3_760, "test": 4_358},
        "CC BY-SA 3.0 and GFDL",
        "articles",
    ),
    ("roneneldan/TinyStories", None): Published({"train": 2_119_719}, "CDLA-Sharing-1.0", "rows"),
    ("nyu-mll/glue", "mrpc"): Published(
        {"train": 3_668, "validation": 408, "test": 1_725},
        "Microsoft Shared Source, non-commercial",
        "sentences",
    ),
}
