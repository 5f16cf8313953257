/** What is drawn over a slice. */

const LESION = "#ff6b6b";
const BACKGROUND = "#63d6a0";
const ASKED = "#ffd166";
const QUIET = "rgba(215, 221, 229, 0.55)";

/** @typedef {import("./viewer.js").Viewer} Viewer */

/** @param {CanvasRenderingContext2D} context @param {Viewer} viewer */
export function drawMarks(context, viewer) {
  for (const mark of viewer.marks) {
    if (mark.slice !== viewer.index) continue;
    if (mark.kind === "point") drawPoint(context, viewer, mark);
    if (mark.kind === "region") drawRegion(context, viewer, mark);
  }
}

function drawPoint(context, viewer, mark) {
  const ratio = viewer.ratio();
  const { x, y } = viewer.toScreen(mark);
  const color = mark.label ? LESION : BACKGROUND;
  context.save();
  context.globalAlpha = mark.pending ? 0.55 : 1;
  context.lineWidth = 4 * ratio;
  context.strokeStyle = "rgba(0, 0, 0, 0.6)";
  strokePoint(context, mark, x, y, ratio);
  context.lineWidth = 2 * ratio;
  context.strokeStyle = color;
  if (mark.pending) context.setLineDash([3 * ratio, 3 * ratio]);
  strokePoint(context, mark, x, y, ratio);
  if (mark.own && mark.label) {
    context.fillStyle = color;
    context.beginPath();
    context.arc(x, y, 2 * ratio, 0, 2 * Math.PI);
    context.fill();
  }
  if (mark.selected) {
    context.setLineDash([]);
    context.strokeStyle = "#fff";
    context.lineWidth = 1.5 * ratio;
    context.beginPath();
    context.arc(x, y, 13 * ratio, 0, 2 * Math.PI);
    context.stroke();
  }
  context.restore();
}

/** A ring is a lesion, a cross background. */
function strokePoint(context, mark, x, y, ratio) {
  const size = 7 * ratio;
  context.beginPath();
  if (mark.label) {
    context.arc(x, y, size, 0, 2 * Math.PI);
  } else {
    context.moveTo(x - size * 0.75, y - size * 0.75);
    context.lineTo(x + size * 0.75, y + size * 0.75);
    context.moveTo(x + size * 0.75, y - size * 0.75);
    context.lineTo(x - size * 0.75, y + size * 0.75);
  }
  context.stroke();
}

function drawRegion(context, viewer, mark) {
  const { x, y, width, height } = box(viewer, mark);
  context.save();
  context.fillStyle = "rgba(99, 214, 160, 0.10)";
  context.fillRect(x, y, width, height);
  context.strokeStyle = BACKGROUND;
  context.globalAlpha = mark.own ? 0.8 : 0.4;
  context.lineWidth = (mark.selected ? 3 : 1) * viewer.ratio();
  context.strokeRect(x, y, width, height);
  context.restore();
}

/** The asked region: corners, so that nothing in it is covered, and the rest of the slice a little darker. */
export function drawQuestion(context, viewer) {
  if (viewer.question.slice !== viewer.index) return;
  const ratio = viewer.ratio();
  const { x, y, width, height } = box(viewer, viewer.question);
  context.save();
  context.fillStyle = "rgba(0, 0, 0, 0.28)";
  context.beginPath();
  context.rect(0, 0, viewer.canvas.width, viewer.canvas.height);
  context.rect(x, y, width, height);
  context.fill("evenodd");
  context.strokeStyle = ASKED;
  context.globalAlpha = 0.45;
  context.lineWidth = ratio;
  context.strokeRect(x, y, width, height);
  context.globalAlpha = 1;
  context.lineWidth = 3 * ratio;
  context.lineCap = "round";
  const arm = Math.min(width, height) * 0.18;
  for (const [cx, sx] of [[x, 1], [x + width, -1]]) {
    for (const [cy, sy] of [[y, 1], [y + height, -1]]) {
      context.beginPath();
      context.moveTo(cx + sx * arm, cy);
      context.lineTo(cx, cy);
      context.lineTo(cx, cy + sy * arm);
      context.stroke();
    }
  }
  context.restore();
}

/** The place that keys act on. */
export function drawCrosshair(context, viewer) {
  if (!viewer.cursor) return;
  const ratio = viewer.ratio();
  const { x, y } = viewer.toScreen(viewer.cursor);
  context.save();
  context.strokeStyle = "#5cc8ff";
  context.lineWidth = 1.5 * ratio;
  context.beginPath();
  for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
    context.moveTo(x + dx * 5 * ratio, y + dy * 5 * ratio);
    context.lineTo(x + dx * 14 * ratio, y + dy * 14 * ratio);
  }
  context.stroke();
  context.restore();
}

/** The patient's right is on the left of the screen, as radiologists read. */
export function drawOrientation(context, viewer) {
  const ratio = viewer.ratio();
  const { width, height } = viewer.canvas;
  context.save();
  context.font = `600 ${13 * ratio}px system-ui, sans-serif`;
  context.fillStyle = QUIET;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText("R", 14 * ratio, height / 2);
  context.fillText("L", width - 34 * ratio, height / 2);
  context.fillText("A", width / 2, 14 * ratio);
  context.fillText("P", width / 2, height - 14 * ratio);
  context.restore();
}

/** All slices as a line at the right edge, head up, with a tick for each slice that has marks. */
export function drawTrack(context, viewer) {
  const ratio = viewer.ratio();
  const { width, height } = viewer.canvas;
  const depth = viewer.size[0];
  const [top, long, x] = [16 * ratio, height - 32 * ratio, width - 9 * ratio];
  const at = (index) => top + long * (depth > 1 ? 1 - index / (depth - 1) : 0.5);
  context.save();
  context.fillStyle = "rgba(215, 221, 229, 0.16)";
  context.fillRect(x - ratio, top, 2 * ratio, long);
  for (const mark of viewer.marks) {
    if (mark.slice === undefined) continue;
    context.fillStyle = mark.label ? LESION : BACKGROUND;
    context.fillRect(x - 4 * ratio, at(mark.slice) - ratio, 8 * ratio, 2 * ratio);
  }
  if (viewer.question) {
    context.fillStyle = ASKED;
    context.fillRect(x - 6 * ratio, at(viewer.question.slice) - ratio, 12 * ratio, 2 * ratio);
  }
  context.fillStyle = "#fff";
  context.beginPath();
  context.arc(x, at(viewer.index), 4.5 * ratio, 0, 2 * Math.PI);
  context.fill();
  context.restore();
}

function box(viewer, { rows, columns }) {
  const first = viewer.toScreen({ row: rows[0] - 0.5, column: columns[0] - 0.5 });
  const last = viewer.toScreen({ row: rows[1] - 0.5, column: columns[1] - 0.5 });
  return { x: first.x, y: first.y, width: last.x - first.x, height: last.y - first.y };
}
