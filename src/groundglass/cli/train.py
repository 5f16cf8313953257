"""Train a method on a prepared dataset.

Every key of a recipe is an option here. A wrong name in method_options or network_options is answered with those there
are.

Example: groundglass train data/ -o runs/first --recipe cb-flip-rot --epochs 20
"""

from __future__ import annotations

from jsonargparse import ActionConfigFile
from jsonargparse import ArgumentParser
from jsonargparse import Namespace

from groundglass.cli.nested_options import merge_nested
from groundglass.experiments.config import Config
from groundglass.experiments.recipe import find_recipe
from groundglass.experiments.recipe import read_recipe
from groundglass.schema import converted


def add_arguments(parser: ArgumentParser) -> None:
    """Options of ``groundglass train``."""
    parser.add_argument("data", help="a dataset folder made by 'groundglass prepare'")
    parser.add_argument("-o", "--output", required=True, help="the run folder to make")
    parser.add_argument(
        "--recipe", action=ActionConfigFile, help="a YAML file or the name of a recipe, e.g. cb-flip-rot"
    )
    parser.add_argument("--resume", action="store_true", help="go on with the run in --output")
    parser.add_argument(
        "--start-from", help="start from the weights of an earlier run (folder or .ckpt), or of the model 'shipped'"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--devices", type=int, default=1, help="processes or GPUs to train on together")
    parser.add_argument("--quiet", action="store_true", help="no progress, no table")
    parser.add_class_arguments(Config)


def resolve_recipes(argv: list[str]) -> list[str]:
    """Names of recipes as paths of their files: ``--recipe cb-flip-rot`` as well as ``--recipe my.yaml``.

    Of ``train``, what nested options change is merged with the recipe; see :func:`merge_nested`.
    """
    resolved = []
    for before, argument in zip(["", *argv], argv, strict=False):
        if before == "--recipe":
            resolved.append(_readable_recipe(argument))
        elif argument.startswith("--recipe="):
            resolved += ["--recipe", _readable_recipe(argument.partition("=")[2])]
        else:
            resolved.append(argument)
    return merge_nested(resolved) if resolved[:1] == ["train"] else resolved


def _readable_recipe(recipe: str) -> str:
    """Its file, seen to be a recipe here, as jsonargparse passes on whatever goes wrong with a file."""
    path = find_recipe(recipe)
    converted(Config, read_recipe(path), str(path))
    return str(path)


def run(arguments: Namespace) -> None:
    """Train, and show the test figures."""
    from groundglass.cli.tables import figures_table
    from groundglass.cli.tables import threshold_sentence
    from groundglass.training.run import train

    keys = Config.__dataclass_fields__
    config = Config.from_dict({key: value for key, value in arguments.as_dict().items() if key in keys})
    finished = train(
        config,
        arguments.data,
        arguments.output,
        resume=arguments.resume,
        device=arguments.device,
        devices=arguments.devices,
        start=arguments.start_from,
        quiet=arguments.quiet,
    )
    if finished.result and not arguments.quiet:
        if finished.result["metrics"]:
            figures_table({config.method: finished.result})
            print(threshold_sentence(finished.result))
        print(finished.folder)
