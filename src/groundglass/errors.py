"""The one exception for mistakes a user can make and mend, and the one for being told to end."""

from __future__ import annotations


class InputError(ValueError):
    """A file, label, recipe or option is wrong.

    The message is one sentence: which file or option, what is wrong, what to do. The command line prints it
    and exits with code 2, without a traceback.
    """


class Terminated(KeyboardInterrupt):
    """The process was told to end by SIGTERM, as a batch system does; like Ctrl-C, nothing is finished after it."""
