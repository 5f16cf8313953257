"""Annotate in the browser: click lesions, answer the model's questions, train on the answers.

Works on a dataset made by 'groundglass prepare', and on files and folders of NIfTI, DICOM or images as they are.
Example: groundglass annotate data/ --run runs/first
"""

from __future__ import annotations

import getpass

from jsonargparse import ArgumentParser
from jsonargparse import Namespace

from groundglass.cli.arguments import names


def add_arguments(parser: ArgumentParser) -> None:
    """Options of ``groundglass annotate``."""
    parser.add_argument("dataset", help="a prepared dataset, or a file or folder of scans")
    parser.add_argument("--run", help="the model to begin with; by default the last one trained here, if any")
    parser.add_argument("--recipe", default="active", help="what 'Train now' trains: a YAML file or a name")
    parser.add_argument("--annotators", help="names with commas between them, a link each; by default yours")
    parser.add_argument("--regions", type=int, default=64, help="regions a slice to ask about, a perfect square")
    parser.add_argument(
        "--double-read", type=float, default=0.1, help="share of the regions that every annotator is asked"
    )
    parser.add_argument("--work", help="where labels and runs of a plain folder go; by default beside it")
    parser.add_argument("--intensity", help="what the numbers of a plain folder are: hu or display (8-bit)")
    parser.add_argument("--seed", type=int, default=0, help="seed of what is asked at random")
    parser.add_argument("--host", default="127.0.0.1", help="address to bind to")
    parser.add_argument("--allow-remote", action="store_true", help="let other machines in")
    parser.add_argument("--port", type=int, default=0, help="port; by default any free one")
    parser.add_argument("--no-browser", action="store_true", help="only print the link")


def run(arguments: Namespace) -> None:
    """Serve until it is stopped."""
    from groundglass.annotate.annotator import Settings
    from groundglass.annotate.annotator import open_annotator
    from groundglass.annotate.hosts import check_host
    from groundglass.annotate.server import serve

    check_host(arguments.host, allow_remote=arguments.allow_remote)
    settings = Settings(
        run=arguments.run,
        recipe=arguments.recipe,
        regions=arguments.regions,
        double_read=arguments.double_read,
        seed=arguments.seed,
    )
    annotator = open_annotator(arguments.dataset, work=arguments.work, intensity=arguments.intensity, settings=settings)
    serve(
        annotator,
        names(arguments.annotators or "") or [_user()],
        host=arguments.host,
        port=arguments.port,
        open_browser=not arguments.no_browser,
    )


def _user() -> str:
    """Whoever started it; in a container there may be no name for that."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "annotator"
