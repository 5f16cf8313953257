"""HTML pages that need no other file and no network."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment
from jinja2 import PackageLoader

import groundglass
from groundglass.files import write_text


def write_page(path: Path, template: str, **content: Any) -> None:
    """Fill a template of this folder and write it.

    Args:
        path: The page to write.
        template: Name of a file in ``templates/``.
        content: What the template shows; ``bytes`` become inline PNG pictures through the filter ``picture``.
    """
    environment = Environment(loader=PackageLoader("groundglass.report"), autoescape=True)
    environment.filters["picture"] = _picture
    page = environment.get_template(template).render(version=groundglass.__version__, **content)
    write_text(path, page)


def _picture(content: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"
