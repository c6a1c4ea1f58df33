"""The errors a user can mend."""


class InputError(ValueError):
    """Something the user gave is wrong; the message names the thing, the value and the mend.

    It is shown without a traceback, so the message has to stand on its own:
    ``budget 'tiny' gives model 'small' 0 optimizer steps (needs at least 2.1e9 FLOPs):
    raise budgets.tiny.flops``.
    """


class Damaged(InputError):
    """A file or folder of results, ``path``, is not as it was written. A job that meets such a file
    removes it, so that the next run makes it anew (see `lmtopo.job`)."""

    def __init__(self, path: object, why: str) -> None:
        super().__init__(f"'{path}' is damaged ({why}): delete it and run snakemake again")
        self.path = str(path)
        self.why = why
