"""The error a user can mend."""


class InputError(ValueError):
    """Something the user gave is wrong; the message names the thing, the value and the mend.

    It is shown without a traceback, so the message has to stand on its own:
    ``budget 'tiny' gives model 'small' 0 optimizer steps (needs at least 2.1e9 FLOPs):
    raise budgets.tiny.flops``.
    """
