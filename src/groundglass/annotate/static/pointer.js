/** Mouse and wheel on the canvas: a click answers, a drag moves the image, the wheel scrolls. */

/** Pixels a click may slip: few where a drag moves what is looked at, more where all of it is in sight. */
const SLIP = { zoomed: 4, whole: 8 };

/** Two clicks with one label so close in milliseconds and pixels are a double click, which is one answer. */
const DOUBLE = { time: 300, distance: 4 };

const TRACK = 18;
const STEP = 30;
const NOTCH = 110;

/** @typedef {import("./viewer.js").Viewer} Viewer */

/** @param {Viewer} viewer */
export function listenToPointer(viewer) {
  const canvas = viewer.canvas;
  let [pressed, before] = [null, null];
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("pointerdown", (event) => {
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    const [place, track, drawn] = [viewer.toPlace(event), onTrack(canvas, event), viewer.drawn];
    pressed = { at: event, last: event, place, moved: false, track, drawn };
    if (pressed.track) goTrack(viewer, event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!pressed) return viewer.events.move(event);
    if (pressed.track) return goTrack(viewer, event);
    pressed.moved ||= distance(event, pressed.at) > (viewer.zoom > 1 ? SLIP.zoomed : SLIP.whole);
    if (pressed.moved) drag(viewer, pressed.last, event);
    pressed.last = event;
  });
  canvas.addEventListener("pointerup", (event) => {
    const was = pressed;
    pressed = null;
    if (!was || was.track || event.button === 1) return;
    if (was.moved) return distance(event, was.at) <= SLIP.whole && viewer.events.slipped();
    const click = { at: was.at, label: event.button === 2 || event.ctrlKey ? 0 : 1 };
    const twice = isDouble(before, click);
    before = click;
    if (twice) return;
    if (was.drawn !== viewer.drawn) return viewer.events.late();
    viewer.events.click(was.place, click.label);
  });
  canvas.addEventListener("pointercancel", () => (pressed = null));
  canvas.addEventListener("pointerleave", () => viewer.events.move(null));
  listenToWheel(viewer);
}

function distance(one, other) {
  return Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
}

function isDouble(before, { at, label }) {
  if (before?.label !== label || at.timeStamp - before.at.timeStamp > DOUBLE.time) return false;
  return distance(at, before.at) <= DOUBLE.distance;
}

function drag(viewer, before, event) {
  const { clientWidth, clientHeight } = viewer.canvas;
  viewer.pan((before.clientY - event.clientY) / clientHeight, (before.clientX - event.clientX) / clientWidth);
}

/** A notch of a wheel is a slice, be it 53, 100 or 120 pixels as browsers have it; a touchpad's small steps add up to one. */
function listenToWheel(viewer) {
  let turned = 0;
  viewer.canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      if (event.ctrlKey || event.shiftKey) {
        return viewer.zoomBy(Math.exp(-(event.deltaY || event.deltaX) / 400), viewer.toPlace(event));
      }
      turned += event.deltaMode === 1 ? event.deltaY * STEP : event.deltaY;
      if (Math.abs(turned) < STEP) return undefined;
      const slices = Math.max(1, Math.min(3, Math.round(Math.abs(turned) / NOTCH)));
      const direction = -Math.sign(turned);
      turned = 0;
      return viewer.events.scroll(direction * slices);
    },
    { passive: false },
  );
}

function onTrack(canvas, event) {
  return event.clientX > canvas.getBoundingClientRect().right - TRACK;
}

/** The slice at a height of the track at the right edge: the head is up. */
function goTrack(viewer, event) {
  const box = viewer.canvas.getBoundingClientRect();
  const share = 1 - (event.clientY - box.top - 16) / (box.height - 32);
  viewer.events.go(Math.round(Math.max(0, Math.min(1, share)) * (viewer.size[0] - 1)));
}
