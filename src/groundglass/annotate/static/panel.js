/** Everything around the image, made anew from what the app knows. */

import { caseUrl } from "./api.js";
import { $, button, duration, h } from "./dom.js";

const TAGS = { slice_tag: ["lesion-free slice", "slice with lesion"], scan_tag: ["healthy scan", "diseased scan"] };

export function renderBar(app) {
  const { session, summary } = app;
  $("dataset").textContent = session.dataset;
  document.title = `${session.dataset} · groundglass`;
  const cases = summary.cases.map(({ case: name, part, answers }) => {
    const held = part === "training" ? "" : ` · ${part}, not trained on`;
    return h("option", { value: name, selected: name === app.case?.case }, `${name}${answers ? ` · ${answers}` : ""}${held}`);
  });
  $("case").replaceChildren(...cases);
  const names = { lung: "Lung", "soft-tissue": "Soft tissue", custom: "Custom" };
  $("windows").replaceChildren(
    ...Object.entries(names).map(([name, text]) => toggle(text, app.windowName === name, () => app.setWindow(name))),
  );
  $("custom").hidden = app.windowName !== "custom";
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

function toggle(text, on, act, disabled = false, title = "") {
  return button(text, { "aria-pressed": String(on), disabled, title }, act);
}

export function renderPanel(app) {
  $("notices").replaceChildren(...app.summary.notices.map((text) => h("p", {}, text)));
  renderGuide(app);
  renderModel(app);
  renderAgreement(app.summary.agreement);
  $("slicer").href = app.case ? `${caseUrl(app.case.case)}/points.mrk.json` : "#";
}

function renderGuide(app) {
  const mode = h(
    "div",
    { class: "group wide" },
    toggle("The model asks", app.guided, () => app.setGuided(true), false, "Guided mode (G)"),
    toggle("Look around", !app.guided, () => app.setGuided(false), false, "Free mode (G)"),
  );
  const lines = [mode];
  if (app.guided && app.question) {
    lines.push(
      h("p", { class: "asked" }, "Is there a lesion in the outlined region? Click it, or say:"),
      h(
        "div",
        { class: "buttons" },
        button("Nothing here", { class: "primary", title: "N" }, () => app.nothing()),
        button("Unsure", { title: "U" }, () => app.unsure()),
        button("Next", { title: "Enter" }, () => app.nextQuestion()),
      ),
      check("Go on after each click", app.advance, () => app.toggleAdvance()),
    );
  } else if (app.guided) {
    lines.push(h("p", { class: "muted" }, app.exhausted ? "Every region has been answered." : "Looking for a question …"));
  } else {
    lines.push(h("p", { class: "muted" }, "Left click: lesion. Right click: background."));
  }
  $("guide").replaceChildren(...lines);
}

function check(text, on, act) {
  const box = h("input", { type: "checkbox", checked: on });
  box.addEventListener("change", act);
  return h("label", { class: "check" }, box, text);
}

export function renderTags(app) {
  const marks = (app.case?.marks ?? []).filter((mark) => mark.annotator === app.session.annotator);
  const slice = marks.filter((mark) => mark.kind === "slice_tag" && mark.slice === app.index).at(-1);
  const scan = marks.filter((mark) => mark.kind === "scan_tag").at(-1);
  $("tags").replaceChildren(
    tagRow("Slice", slice?.label, [["No lesion", app.guided ? "" : "N", () => app.tagSlice(0)], ["Lesion", "L", () => app.tagSlice(1)]]),
    tagRow("Scan", scan?.label, [["Healthy", "H", () => app.tagScan(0)], ["Diseased", "D", () => app.tagScan(1)]]),
  );
}

function tagRow(title, value, choices) {
  const buttons = choices.map(([text, key, act], label) => toggle(text, value === label, act, false, key));
  return h("div", { class: "row" }, h("span", {}, title), h("div", { class: "group" }, ...buttons));
}

function renderModel(app) {
  const { training, model, gain } = app.summary;
  const busy = training.state === "preparing" || training.state === "training";
  const lines = [
    h(
      "div",
      { class: "row" },
      h("span", {}, "Model"),
      h("span", { class: "muted" }, model.name ? `${model.name}${model.questions_ready ? "" : ", choosing …"}` : model.loading ? "loading …" : "none yet"),
    ),
  ];
  if (busy) {
    const dice = training.dice === null ? "" : ` · validation Dice ${training.dice.toFixed(3)}`;
    const text = training.state === "preparing" ? "preparing the scans" : `epoch ${training.epoch} of ${training.epochs}${dice}`;
    lines.push(
      h("progress", { max: String(training.epochs), value: String(training.epoch) }),
      h("p", { class: "muted small" }, `${training.run}: ${text}. Go on clicking.`),
    );
  } else {
    lines.push(button("Train now", { class: "wide", title: "Shift T", id: "train" }, () => app.train()));
  }
  if (training.state === "failed") lines.push(h("p", { class: "error" }, training.message));
  if (gain) {
    const sign = gain.per_minute < 0 ? "−" : "+";
    const figure = `${sign}${Math.abs(gain.per_minute).toFixed(3)} Dice per minute`;
    lines.push(h("p", { class: "small" }, figure, h("span", { class: "muted" }, ` · now ${gain.dice.toFixed(3)}, ${gain.minutes.toFixed(1)} min`)));
  }
  $("model").replaceChildren(...lines);
}

function renderAgreement(pairs) {
  $("agreement").hidden = !pairs.length;
  const share = (value) => (value === null ? "–" : `${Math.round(value * 100)} %`);
  const rows = pairs.map((pair) =>
    h(
      "div",
      { class: "small" },
      h("strong", {}, pair.with),
      h("div", { class: "muted" }, `clicks within ${pair.within_mm} mm: ${share(pair.clicks_matched)} of ${pair.clicks}`),
      h("div", { class: "muted" }, `“nothing here”: ${share(pair.regions_same)} of ${pair.regions}`),
      h("div", { class: "muted" }, `tags: ${share(pair.tags_same)} of ${pair.tags}${pair.kappa === null ? "" : `, κ ${pair.kappa.toFixed(2)}`}`),
    ),
  );
  $("agreement").replaceChildren(h("h2", {}, "Agreement with"), ...rows);
}

export function renderAnswers(app) {
  const items = app.answers.map((answer, number) => {
    const item = button("", { class: `answer ${kindClass(answer)}`, "aria-pressed": String(number === app.selected) }, () => app.selectAnswer(number));
    item.append(h("span", {}, describe(answer)), h("span", { class: "muted" }, answer.case));
    return item;
  });
  $("answers").replaceChildren(h("h2", {}, "Your answers"), ...(items.length ? items : [h("p", { class: "muted small" }, "None yet.")]));
  $("answers").querySelector('[aria-pressed="true"]')?.scrollIntoView({ block: "nearest" });
}

function kindClass(answer) {
  if (answer.skipped) return "skipped";
  return answer.label ? "lesion" : "background";
}

/** An answer in words. */
export function describe(answer) {
  if (answer.skipped) return "unsure";
  if (answer.kind in TAGS) return TAGS[answer.kind][answer.label];
  if (answer.kind === "region") return "nothing here";
  return answer.label ? "lesion" : "background";
}

export function renderFooter(app) {
  if (!app.case) return;
  $("where").textContent = `Slice ${app.index + 1} of ${app.case.shape[0]}${loading(app)}`;
  const place = app.pointer ?? app.viewer.cursor;
  const value = place && app.viewer.valueAt(place);
  if (value === null || value === undefined) return ($("cursor").textContent = "");
  const unit = app.case.intensity === "hu" ? "HU" : "of 255";
  const mm = toMm(app.case.affine, [app.index, place.row, place.column]);
  const letters = [["R", "L"], ["A", "P"], ["I", "S"]];
  const text = mm.map((one, axis) => `${letters[axis][Number(one >= 0)]} ${Math.abs(one).toFixed(1)}`).join("  ");
  $("cursor").textContent = `${String(value).replace("-", "−")} ${unit}   ${text} mm`;
}

/** What is on its way while another slice is still shown. */
function loading({ wanted, case: shown }) {
  if (!wanted) return "";
  return ` · loading ${wanted.name === shown.case ? wanted.index + 1 : wanted.name} …`;
}

function toMm(affine, [d, row, column]) {
  return [0, 1, 2].map((axis) => affine[axis][0] * d + affine[axis][1] * row + affine[axis][2] * column + affine[axis][3]);
}
