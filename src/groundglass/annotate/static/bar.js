/** The bar above the image. */

import { $, duration, h, toggle } from "./dom.js";

const NAMES = { lung: "Lung", "soft-tissue": "Soft tissue", full: "Full", custom: "Custom" };

export function renderBar(app) {
  const { session, summary } = app;
  $("dataset").textContent = session.dataset;
  document.title = `${session.dataset} · groundglass`;
  const cases = summary.cases.map(({ case: name, part, answers }) => {
    const held = part === "training" ? "" : ` · ${part}, not trained on`;
    return h("option", { value: name, selected: name === app.case?.case }, `${name}${answers ? ` · ${answers}` : ""}${held}`);
  });
  $("case").replaceChildren(...cases);
  const { named, chosen } = app.window;
  const windows = Object.keys(named).map((name) => toggle(NAMES[name] ?? name, name === chosen, () => app.setWindow(name)));
  $("windows").replaceChildren(...windows);
  $("custom").hidden = chosen !== "custom";
  const model = Boolean(summary.model.name);
  $("layers").replaceChildren(
    toggle("Mask", app.shown.mask, () => app.toggle("mask"), !model, "The model's mask (M)"),
    toggle("Uncertainty", app.shown.heat, () => app.toggle("heat"), !model, "The model's uncertainty (E)"),
    toggle("Marks", app.shown.marks, () => app.toggle("marks"), false, "Everybody's marks (P)"),
  );
  $("spent").textContent = `${session.annotator} · ${summary.answers} answers · ${duration(summary.seconds)}`;
  $("undo").disabled = !summary.can_undo;
  $("redo").disabled = !summary.can_redo;
}
