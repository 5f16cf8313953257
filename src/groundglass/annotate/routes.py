"""The HTTP face of an annotator; every rule is in the objects behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.responses import JSONResponse
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.routing import Mount
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from groundglass.annotate.annotator import Annotator
from groundglass.annotate.exchange import export_csv
from groundglass.annotate.exchange import export_slicer
from groundglass.annotate.exchange import import_points
from groundglass.annotate.overlays import overlay
from groundglass.annotate.overlays import raw
from groundglass.annotate.overlays import slice_index
from groundglass.annotate.posts import MAX_IMPORT
from groundglass.annotate.posts import annotator_name
from groundglass.annotate.posts import post
from groundglass.annotate.questions import Question
from groundglass.errors import InputError
from groundglass.scans.images import AFFINE as PICTURES
from groundglass.scans.window import NAMED

STATIC = Path(__file__).parent / "static"


def routes() -> list[BaseRoute]:
    """All routes but the login."""
    return [
        Route("/", lambda request: FileResponse(STATIC / "index.html")),
        Mount("/static", StaticFiles(directory=STATIC)),
        Route("/api/session", _session),
        Route("/api/summary", _summary),
        Route("/api/cases/{case}", _case),
        Route("/api/cases/{case}/slices/{index}", _slice),
        Route("/api/cases/{case}/slices/{index}/probability", overlay("probability")),
        Route("/api/cases/{case}/slices/{index}/uncertainty", overlay("uncertainty")),
        Route("/api/cases/{case}/points.mrk.json", _export_slicer),
        Route("/api/points.csv", _export_csv),
        Route("/api/answers", _answers),
        Route("/api/answers/{id}", _find),
        post("/api/answers", _answer),
        post("/api/undo", lambda app, name, body: app.annotation.undo(name)),
        post("/api/redo", lambda app, name, body: app.annotation.redo(name)),
        post("/api/retract", lambda app, name, body: app.annotation.retract(name, _text(body, "id"))),
        post("/api/question", lambda app, name, body: _asked(app.annotation.guide.next(name))),
        post("/api/import", _import, most=MAX_IMPORT),
        post("/api/train", lambda app, name, body: _train(app)),
        post("/api/stop", lambda app, name, body: _stop(app)),
    ]


def _app(request: Request) -> Annotator:
    annotator: Annotator = request.app.state.annotator
    return annotator


def _session(request: Request) -> Response:
    app = _app(request)
    windows = {name: [window.low, window.high] for name, window in NAMED.items()}
    return JSONResponse(
        {
            "dataset": app.source.name,
            "annotator": annotator_name(request),
            "windows": windows,
            "largest_import": MAX_IMPORT,
        }
    )


def _summary(request: Request) -> Response:
    return JSONResponse(_app(request).summary(annotator_name(request)))


def _case(request: Request) -> Response:
    app, case = _app(request), request.path_params["case"]
    opened = app.annotation.scans.get(case)
    scan = opened.scan
    question = app.annotation.guide.current(annotator_name(request))
    return JSONResponse(
        {
            "case": case,
            "version": opened.version,
            "shape": scan.shape,
            "spacing": scan.spacing,
            "affine": scan.affine.tolist(),
            "intensity": scan.intensity,
            "oriented": not np.array_equal(scan.affine, PICTURES),
            "part": app.source.image(case).part,
            "marks": app.annotation.marks(case),
            "question": _asked(question),
        }
    )


def _slice(request: Request) -> Response:
    case, version = request.path_params["case"], request.query_params.get("version")
    return raw(_app(request).annotation.scans.slice_bytes(case, slice_index(request), version))


def _export_slicer(request: Request) -> Response:
    case = request.path_params["case"]
    return _download(export_slicer(_app(request).annotation, case), f"{case}.mrk.json", "application/json")


def _export_csv(request: Request) -> Response:
    return _download(export_csv(_app(request).annotation), "points.csv", "text/csv")


def _download(text: str, name: str, kind: str) -> Response:
    return Response(
        text, media_type=kind, headers={"Content-Disposition": f"attachment; filename*=utf-8''{quote(name)}"}
    )


def _answers(request: Request) -> Response:
    before = request.query_params.get("before")
    return JSONResponse(_app(request).annotation.answers(annotator_name(request), before=before))


def _find(request: Request) -> Response:
    return JSONResponse(_app(request).annotation.find(request.path_params["id"]))


def _answer(app: Annotator, name: str, body: Any) -> Any:
    """Whoever looked at another version of the image than there is now did not answer about this one."""
    if isinstance(body, dict) and body.get("version") is not None and not app.source.has_changed:
        app.annotation.scans.check(_text(body, "case"), _text(body, "version"))
    return app.annotation.answer(name, body)


def _import(app: Annotator, name: str, body: Any) -> Any:
    return import_points(app.annotation, name, *(_text(body, key) for key in ("case", "name", "text")))


def _train(app: Annotator) -> Any:
    app.training.start()
    return app.training.status()


def _stop(app: Annotator) -> Any:
    app.training.stop()
    return app.training.status()


def _asked(question: Question | None) -> Any:
    if question is None:
        return None
    return {
        "key": question.key,
        "case": question.case,
        "slice": question.index,
        "rows": question.rows,
        "columns": question.columns,
    }


def _text(body: Any, key: str) -> str:
    value = body.get(key) if isinstance(body, dict) else None
    if not isinstance(value, str):
        raise InputError(f"the request has no usable {key!r}; reload the page")
    return value
