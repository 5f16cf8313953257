"""The command line: one verb a file, parsed here, with the work imported only when it is done."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence

from jsonargparse import ArgumentError
from jsonargparse import ArgumentParser
from jsonargparse import DefaultHelpFormatter
from jsonargparse import Namespace

import groundglass
from groundglass.cli import active
from groundglass.cli import annotate
from groundglass.cli import bench
from groundglass.cli import compare
from groundglass.cli import demo
from groundglass.cli import evaluate
from groundglass.cli import info
from groundglass.cli import look
from groundglass.cli import predict
from groundglass.cli import prepare
from groundglass.cli import report
from groundglass.cli import train
from groundglass.cli.termination import ended_by_sigterm
from groundglass.errors import InputError
from groundglass.errors import Terminated
from groundglass.schema import in_words

VERBS = {
    "demo": demo,
    "prepare": prepare,
    "annotate": annotate,
    "train": train,
    "active": active,
    "evaluate": evaluate,
    "compare": compare,
    "look": look,
    "predict": predict,
    "report": report,
    "bench": bench,
    "info": info,
}
GOES_ON = ("demo", "prepare", "bench")
"""Verbs that go on where they were stopped, or begin anew what was not finished, if they are given once more."""
TORCHVISION = (
    "the torchvision installed here does not fit its torch, and torchmetrics loads it; groundglass does not need it: "
    "'pip uninstall torchvision', or install the one that fits"
)
NOTE = "Research use only: not a medical device."


class Formatter(DefaultHelpFormatter):
    """Help whose paragraphs stay apart, and whose examples can be copied line by line."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        words, _, examples = text.rstrip().partition("\nExample")
        fill = super()._fill_text
        filled = "\n\n".join(fill(paragraph, width, indent) for paragraph in words.split("\n\n"))
        return f"{filled}\n\nExample{examples}" if examples else filled


def build_parser(argv: Sequence[str] = ()) -> ArgumentParser:
    """The parser of all verbs; only the verb that ``argv`` begins with gets its options, which keeps help quick."""
    words = f"{groundglass.__doc__} {NOTE}"
    parser = ArgumentParser(prog="groundglass", description=words, exit_on_error=False, formatter_class=Formatter)
    parser.add_argument("--version", action="version", version=f"groundglass {groundglass.__version__}")
    verbs = parser.add_subcommands(dest="verb")
    for name, module in VERBS.items():
        verb = ArgumentParser(description=module.__doc__, exit_on_error=False)
        if name in argv[:1]:
            module.add_arguments(verb)
        verbs.add_subcommand(name, verb, help=(module.__doc__ or "").splitlines()[0])
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code: 0, 2 for a mistake the user can mend, 130 or 143 if stopped."""
    # Before torch is imported: threads that spin while they wait take the time of whatever else runs on a laptop.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    logging.basicConfig(level=logging.WARNING, format="groundglass: %(message)s")
    given: Namespace | None = None
    try:
        argv = train.resolve_recipes(list(sys.argv[1:] if argv is None else argv)) or ["--help"]
        given = build_parser(argv).parse_args(argv)
        with ended_by_sigterm():
            VERBS[given.verb].run(given[given.verb])
    except (InputError, ArgumentError) as error:
        print(f"groundglass: {in_words(str(error))}", file=sys.stderr)
        return 2
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        print(f"groundglass: {TORCHVISION}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print(f"groundglass: stopped{_how_to_go_on(given)}", file=sys.stderr)
        return 143 if isinstance(stop, Terminated) else 130
    return 0


def _how_to_go_on(given: Namespace | None) -> str:
    if given is None:
        return ""
    if "resume" in given[given.verb]:
        return "; go on with the same command and --resume"
    return "; go on with the same command" if given.verb in GOES_ON else ""
