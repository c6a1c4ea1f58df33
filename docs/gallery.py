"""The README's pictures: the default study's figures, smaller and in 256 colours.

``make gallery`` runs it. A figure is taken if ``docs/`` has a picture of its name.
"""

from pathlib import Path

from PIL import Image

DOCS = Path(__file__).parent
FIGURES = DOCS.parent / "results/small/figures"


def shrink(drawn: Path, picture: Path) -> None:
    image = Image.open(drawn).convert("RGB")
    small = image.resize([side * 13 // 20 for side in image.size], Image.Resampling.LANCZOS)
    small.quantize(256, Image.Quantize.MAXCOVERAGE).save(picture, optimize=True)


if __name__ == "__main__":
    for picture in DOCS.glob("*.png"):
        drawn = FIGURES / picture.name
        if drawn.is_file():
            shrink(drawn, picture)
