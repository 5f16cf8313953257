/** The slice on its canvas: image, overlays, marks, zoom and pan. It knows nothing of the server. */

import { drawMarks, drawOrientation, drawQuestion, drawTrack, drawCrosshair } from "./marks.js";
import { listenToPointer } from "./pointer.js";
import { greyTable, heatTable, maskTable, paint } from "./paint.js";

const MAX_ZOOM = 16;

/** @typedef {{row: number, column: number}} Place in pixels of the slice; whole numbers are centers */

export class Viewer {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{click: (place: Place, label: number) => void, move: (mouse: PointerEvent | null) => void,
   *   late: () => void, slipped: () => void, changed: () => void, scroll: (slices: number) => void, go: (index: number) => void}} events
   */
  constructor(canvas, events) {
    this.canvas = canvas;
    this.events = events;
    this.image = document.createElement("canvas");
    this.layers = { mask: document.createElement("canvas"), heat: document.createElement("canvas") };
    this.tables = { mask: maskTable(0.5), heat: heatTable() };
    this.shown = { mask: false, heat: false, marks: true };
    this.size = [1, 1, 1];
    this.stretch = [1, 1];
    this.marks = [];
    this.question = null;
    this.cursor = null;
    this.index = 0;
    this.drawn = null;
    this.reset();
    listenToPointer(this);
    new ResizeObserver(() => this.resize()).observe(canvas);
  }

  /** A new scan: its shape `(D, H, W)`, its spacing in mm, and whether it is known where the patient's sides are. */
  open({ shape, spacing, oriented }) {
    this.size = shape;
    this.oriented = oriented;
    const smallest = Math.min(spacing[1], spacing[2]);
    this.stretch = [spacing[1] / smallest, spacing[2] / smallest];
    this.cursor = null;
    this.reset();
  }

  /** @param {Int16Array} values */
  show(values, index) {
    if (this.values !== values) this.renew();
    this.values = values;
    this.index = index;
    this.repaint();
  }

  /** Outline a region, or none. */
  ask(question) {
    if (this.question !== question) this.renew();
    this.question = question;
    this.draw();
  }

  /** What is to be judged is about to change. */
  renew() {
    this.drawn = null;
    this.events.changed();
  }

  /** Milliseconds since what is to be judged was drawn first. */
  age() {
    return this.drawn === null ? 0 : performance.now() - this.drawn;
  }

  /** @param {number} low HU shown black @param {number} high HU shown white */
  window(low, high) {
    this.grey = greyTable(low, high);
    this.repaint();
  }

  threshold(value) {
    this.tables.mask = maskTable(value);
  }

  /** @param {"mask" | "heat"} name @param {Uint8Array | null} values */
  overlay(name, values) {
    this.shown[name] = values !== null;
    if (values) paint(this.layers[name], values, this.size[2], this.size[1], this.tables[name]);
    this.draw();
  }

  repaint() {
    if (this.values && this.grey) paint(this.image, this.values, this.size[2], this.size[1], this.grey);
    this.draw();
  }

  /** The whole slice, centered. */
  reset() {
    this.zoom = 1;
    this.middle = { row: (this.size[1] - 1) / 2, column: (this.size[2] - 1) / 2 };
    this.draw();
  }

  /** Zoom by a factor, keeping one place where it is. */
  zoomBy(factor, place = this.middle) {
    const zoom = Math.max(1, Math.min(MAX_ZOOM, this.zoom * factor));
    const share = this.zoom / zoom;
    this.middle = {
      row: place.row + (this.middle.row - place.row) * share,
      column: place.column + (this.middle.column - place.column) * share,
    };
    this.zoom = zoom;
    this.draw();
  }

  /** Bring a box to the middle, large enough to judge. */
  focus(rows, columns) {
    this.zoom = 1;
    const height = (rows[1] - rows[0]) * this.scale().y;
    this.zoom = Math.max(1, Math.min(2, (0.24 * this.canvas.height) / height));
    const scale = this.scale();
    this.middle = {
      row: within((rows[0] + rows[1] - 1) / 2, this.size[1], this.canvas.height / scale.y),
      column: within((columns[0] + columns[1] - 1) / 2, this.size[2], this.canvas.width / scale.x),
    };
    this.renew();
    this.draw();
  }

  /** Move by shares of what is seen. */
  pan(down, right) {
    const scale = this.scale();
    this.middle.row += (down * this.canvas.height) / scale.y;
    this.middle.column += (right * this.canvas.width) / scale.x;
    this.draw();
  }

  /** Screen pixels a pixel of the slice. */
  scale() {
    const [, height, width] = this.size;
    const margin = 28 * this.ratio();
    const fit = Math.min(
      (this.canvas.width - margin) / (width * this.stretch[1]),
      (this.canvas.height - margin) / (height * this.stretch[0]),
    );
    return { x: fit * this.zoom * this.stretch[1], y: fit * this.zoom * this.stretch[0] };
  }

  ratio() {
    return window.devicePixelRatio || 1;
  }

  /** @param {Place} place */
  toScreen({ row, column }) {
    const scale = this.scale();
    return {
      x: this.canvas.width / 2 + (column - this.middle.column) * scale.x,
      y: this.canvas.height / 2 + (row - this.middle.row) * scale.y,
    };
  }

  /** @param {MouseEvent} event @returns {Place} */
  toPlace(event) {
    const box = this.canvas.getBoundingClientRect();
    const scale = this.scale();
    return {
      row: ((event.clientY - box.top) * this.ratio() - this.canvas.height / 2) / scale.y + this.middle.row,
      column: ((event.clientX - box.left) * this.ratio() - this.canvas.width / 2) / scale.x + this.middle.column,
    };
  }

  /** @param {Place} place */
  holds({ row, column }) {
    return row >= -0.5 && column >= -0.5 && row <= this.size[1] - 0.5 && column <= this.size[2] - 0.5;
  }

  /** Whether a place is on the screen. @param {Place} place */
  sees(place) {
    const { x, y } = this.toScreen(place);
    return this.holds(place) && x >= 0 && y >= 0 && x <= this.canvas.width && y <= this.canvas.height;
  }

  /** Whether any of a box is on the screen. */
  seesBox({ rows, columns }) {
    const first = this.toScreen({ row: rows[0], column: columns[0] });
    const last = this.toScreen({ row: rows[1] - 1, column: columns[1] - 1 });
    return last.x >= 0 && last.y >= 0 && first.x <= this.canvas.width && first.y <= this.canvas.height;
  }

  /** Value under a place, or null. */
  valueAt(place) {
    if (!this.values || !this.holds(place)) return null;
    return this.values[Math.round(place.row) * this.size[2] + Math.round(place.column)];
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas;
    this.canvas.width = Math.max(1, Math.round(clientWidth * this.ratio()));
    this.canvas.height = Math.max(1, Math.round(clientHeight * this.ratio()));
    this.draw();
  }

  draw() {
    if (this.pending) return;
    this.pending = requestAnimationFrame(() => {
      this.pending = 0;
      this.render();
    });
  }

  render() {
    const context = this.canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "#000";
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    if (!this.values) return;
    const corner = this.toScreen({ row: -0.5, column: -0.5 });
    const scale = this.scale();
    const place = [corner.x, corner.y, this.size[2] * scale.x, this.size[1] * scale.y];
    context.imageSmoothingEnabled = Math.max(scale.x, scale.y) < 6;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.image, ...place);
    for (const name of ["mask", "heat"]) if (this.shown[name]) context.drawImage(this.layers[name], ...place);
    if (this.question) drawQuestion(context, this);
    if (this.shown.marks) drawMarks(context, this);
    drawCrosshair(context, this);
    if (this.oriented) drawOrientation(context, this);
    drawTrack(context, this);
    this.drawn ??= performance.now();
  }
}

/** A middle as near to the wanted one as can be without showing more than the image where it fills the screen. */
function within(wanted, length, seen) {
  if (seen >= length) return (length - 1) / 2;
  return Math.max(seen / 2 - 0.5, Math.min(length - 0.5 - seen / 2, wanted));
}
