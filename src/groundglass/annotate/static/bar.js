/** The bar above the image. */

import { $, duration, fill, h, toggle } from "./dom.js";

const NAMES = { lung: "Lung", "soft-tissue": "Soft tissue", full: "Full", custom: "Custom" };

export function renderBar(app) {
  const { session, summary } = app;
  $("dataset").textContent = session.dataset;
  document.title = `${session.dataset} · groundglass`;
  renderCases(app);
  renderWindows(app);
  renderLayers(app);
  $("spent").textContent = `${session.annotator} · ${summary.answers} answers · ${duration(summary.seconds)}`;
  $("undo").disabled = !summary.can_undo;
  $("redo").disabled = !summary.can_redo;
}

/** The list may be open, so a case stays where it is and only its text changes. */
function renderCases({ summary, case: opened }) {
  const names = summary.cases.map((one) => one.case);
  fill($("case"), names, () => names.map((name) => h("option", { value: name })));
  summary.cases.forEach(({ case: name, part, answers }, number) => {
    const held = part === "training" ? "" : ` · ${part}, not trained on`;
    const text = `${name}${answers ? ` · ${answers}` : ""}${held}`;
    const option = $("case").options[number];
    if (option.textContent !== text) option.textContent = text;
  });
  if (opened && $("case").value !== opened.case) $("case").value = opened.case;
}

function renderWindows(app) {
  const { named, chosen } = app.window;
  const names = Object.keys(named);
  fill($("windows"), [names, chosen], () =>
    names.map((name) => toggle(NAMES[name] ?? name, name === chosen, () => app.setWindow(name))),
  );
  $("custom").hidden = chosen !== "custom";
}

function renderLayers(app) {
  const model = Boolean(app.summary.model.name);
  fill($("layers"), [model, app.shown], () => [
    toggle("Mask", app.shown.mask, () => app.toggle("mask"), !model, "The model's mask (M)"),
    toggle("Uncertainty", app.shown.heat, () => app.toggle("heat"), !model, "The model's uncertainty (E)"),
    toggle("Marks", app.shown.marks, () => app.toggle("marks"), false, "Everybody's marks (P)"),
  ]);
}
