/** The line below the image: slice, value and place. */

import { $ } from "./dom.js";

export function renderFooter(app) {
  if (!app.case) return;
  $("where").textContent = `Slice ${app.index + 1} of ${app.case.shape[0]}${loading(app)}`;
  const place = app.pointer ?? app.viewer.cursor;
  const value = place && app.viewer.valueAt(place);
  if (value === null || value === undefined) return ($("cursor").textContent = "");
  const unit = app.case.intensity === "hu" ? "HU" : "of 255";
  $("cursor").textContent = `${String(value).replace("-", "−")} ${unit}   ${where(app, place)}`;
}

/** In millimeters of the patient; a picture does not say how the patient lies, so there it is the pixel. */
function where({ case: opened, index }, { row, column }) {
  if (!opened.oriented) return `x ${Math.round(column)}  y ${Math.round(row)} px`;
  const mm = toMm(opened.affine, [index, row, column]);
  const letters = [["R", "L"], ["A", "P"], ["I", "S"]];
  return `${mm.map((one, axis) => `${letters[axis][Number(one >= 0)]} ${Math.abs(one).toFixed(1)}`).join("  ")} mm`;
}

/** What is on its way while another slice is still shown. */
function loading({ wanted, case: shown }) {
  if (!wanted) return "";
  return ` · loading ${wanted.name === shown.case ? wanted.index + 1 : wanted.name} …`;
}

function toMm(affine, [d, row, column]) {
  return [0, 1, 2].map((axis) => affine[axis][0] * d + affine[axis][1] * row + affine[axis][2] * column + affine[axis][3]);
}
