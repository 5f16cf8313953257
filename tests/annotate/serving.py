"""The real server in a process of its own, as the command line starts it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAM = """
import sys
from jsonargparse import ArgumentParser
from groundglass.cli import annotate
parser = ArgumentParser()
annotate.add_arguments(parser)
annotate.run(parser.parse_args(sys.argv[1:]))
"""


@contextmanager
def serving(dataset: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The process and the links it printed, by annotator; it is killed at the end."""
    command = [sys.executable, "-c", PROGRAM, str(dataset), "--no-browser", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    links = {}
    try:
        for line in process.stdout:
            found = re.match(r"(\w+): (http://\S+)", line)
            if found is None:
                break
            links[found[1]] = found[2]
        yield process, links
    finally:
        process.kill()
        process.wait(30)
        process.stdout.close()
