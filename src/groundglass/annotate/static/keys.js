/** Keys: one table for what they do and for the help that lists them. */

import { h } from "./dom.js";

/**
 * @typedef {{keys: string[], shown: string, says: string, act: (app: any) => void}} Binding
 * A key is written as `Shift+ArrowUp`, `Ctrl+z` or `n`; letters without Shift are lower case.
 */

/** @type {[string, Binding[]][]} */
export const GROUPS = [
  ["Answer", [
    bind("x", "X", "lesion here (or left click)", (app) => app.clickCursor(1)),
    bind("b", "B", "background here (or right click)", (app) => app.clickCursor(0)),
    bind("n", "N", "nothing here: the asked region, in free mode this slice", (app) => app.nothing()),
    bind("u", "U", "unsure: skip the question", (app) => app.unsure()),
    bind("Enter", "Enter", "next question", (app) => app.nextQuestion()),
    bind("l", "L", "this slice has a lesion", (app) => app.tagSlice(1)),
    bind("h", "H", "this scan is healthy", (app) => app.tagScan(0)),
    bind("d", "D", "this scan is diseased", (app) => app.tagScan(1)),
  ]],
  ["Go back", [
    bind(["z", "Ctrl+z"], "Z", "undo", (app) => app.undo()),
    bind(["y", "Ctrl+y", "Ctrl+Shift+Z"], "Y", "redo", (app) => app.redo()),
    bind(",", ",", "earlier answer", (app) => app.stepAnswer(1)),
    bind(".", ".", "later answer", (app) => app.stepAnswer(-1)),
    bind(["Delete", "Backspace"], "Del", "take the selected answer back", (app) => app.retractSelected()),
  ]],
  ["Move", [
    bind("ArrowUp", "↑ / wheel", "one slice towards the head", (app) => app.scroll(1)),
    bind("ArrowDown", "↓ / wheel", "one slice towards the feet", (app) => app.scroll(-1)),
    bind("PageUp", "PgUp", "ten slices up", (app) => app.scroll(10)),
    bind("PageDown", "PgDn", "ten slices down", (app) => app.scroll(-10)),
    bind("Home", "Home", "uppermost slice", (app) => app.scroll(Infinity)),
    bind("End", "End", "lowermost slice", (app) => app.scroll(-Infinity)),
    bind("[", "[", "previous scan", (app) => app.stepCase(-1)),
    bind("]", "]", "next scan", (app) => app.stepCase(1)),
    bind(["+", "="], "+ / Ctrl wheel", "zoom in", (app) => app.viewer.zoomBy(1.25)),
    bind("-", "−", "zoom out", (app) => app.viewer.zoomBy(0.8)),
    bind("0", "0", "whole slice", (app) => app.viewer.reset()),
    ...arrows("Shift", "Shift arrows", "move the crosshair", (app, down, right) => app.moveCursor(down, right)),
    ...arrows("Alt", "Alt arrows / drag", "move the image", (app, down, right) => app.viewer.pan(down / 10, right / 10)),
  ]],
  ["Look", [
    bind("1", "1", "lung window; all of an image of 8 bits", (app) => app.setPreset(0)),
    bind("2", "2", "soft-tissue window", (app) => app.setPreset(1)),
    bind("3", "3", "your own window", (app) => app.setWindow("custom")),
    bind("w", "W", "type level and width", (app) => app.editWindow()),
    bind("m", "M", "the model's mask", (app) => app.toggle("mask")),
    bind("e", "E", "the model's uncertainty", (app) => app.toggle("heat")),
    bind("p", "P", "marks", (app) => app.toggle("marks")),
  ]],
  ["Model", [
    bind("g", "G", "guided mode: the model asks", (app) => app.toggleGuided()),
    bind("a", "A", "go on after each click in guided mode", (app) => app.toggleAdvance()),
    bind("Shift+T", "Shift T", "train now", (app) => app.train()),
    bind("?", "?", "this help", (app) => app.help()),
  ]],
];

/** A key held down would answer what nobody has looked at, so each of these answers once. */
const ANSWERS = new Set(GROUPS[0][1].flatMap((one) => one.keys));

function bind(keys, shown, says, act) {
  return { keys: [keys].flat(), shown, says, act };
}

/** Four keys, of which the help shows one line. */
function arrows(modifier, shown, says, act) {
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  return Object.entries(moves).map(([key, [down, right]], number) =>
    bind(`${modifier}+${key}`, number ? "" : shown, says, (app) => act(app, down, right)),
  );
}

/** A bracket needs AltGr, or Option, on many keyboards, and Windows tells that as Ctrl and Alt. */
function isComposed(event) {
  return /^[^a-z0-9]$/i.test(event.key) && (event.getModifierState("AltGraph") || (event.altKey && "[]".includes(event.key)));
}

/** @param {KeyboardEvent} event */
function nameOf(event) {
  if (isComposed(event)) return event.key;
  const letter = event.key.length === 1;
  const shift = event.shiftKey && (!letter || /[A-Z]/i.test(event.key));
  const key = letter && !shift ? event.key.toLowerCase() : event.key;
  return (event.ctrlKey || event.metaKey ? "Ctrl+" : "") + (event.altKey ? "Alt+" : "") + (shift ? "Shift+" : "") + key;
}

/** Let the keys act on an app, except while something is typed. */
export function listenToKeys(app) {
  const actions = new Map(GROUPS.flatMap(([, bindings]) => bindings.flatMap((one) => one.keys.map((key) => [key, one.act]))));
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]")) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.closest("input, select, textarea")) {
      if (event.key === "Escape" || event.key === "Enter") target.blur();
      return;
    }
    if (event.key === "Enter" && target.closest("button, a, label")) return;
    const act = actions.get(nameOf(event));
    if (!act) return;
    event.preventDefault();
    if (event.repeat && ANSWERS.has(nameOf(event))) return;
    act(app);
  });
}

/** Fill the help dialog. @param {HTMLDialogElement} dialog */
export function fillHelp(dialog) {
  const groups = GROUPS.map(([title, bindings]) =>
    h("section", {}, h("h2", {}, title), h("dl", {}, ...bindings.filter((one) => one.shown).flatMap(row))),
  );
  const close = h("button", { title: "Close (Esc)" }, "Close");
  close.addEventListener("click", () => dialog.close());
  dialog.replaceChildren(h("header", {}, h("h1", {}, "Keys"), close), h("div", { class: "columns" }, ...groups));
}

function row(one) {
  return [h("dt", {}, ...one.shown.split(" / ").flatMap((key, n) => [n ? " or " : "", h("kbd", {}, key)])), h("dd", {}, one.says)];
}
