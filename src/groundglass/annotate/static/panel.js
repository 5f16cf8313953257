/** Everything beside the image, made anew from what the app knows. */

import { caseUrl } from "./api.js";
import { $, button, fill, h, toggle } from "./dom.js";

const TAGS = { slice_tag: ["lesion-free slice", "slice with lesion"], scan_tag: ["healthy scan", "diseased scan"] };

/** What is said of a training that is going on. */
const DOING = {
  preparing: () => "preparing the scans",
  training: ({ epoch, epochs, dice }) => `epoch ${epoch} of ${epochs}${dice === null ? "" : ` · validation Dice ${dice.toFixed(3)}`}`,
  stopping: () => "being stopped",
};

export function renderPanel(app) {
  const { notices } = app.summary;
  fill($("notices"), notices, () => notices.map((text) => h("p", {}, text)));
  renderGuide(app);
  renderModel(app);
  renderAgreement(app.summary.agreement);
  $("slicer").href = app.case ? `${caseUrl(app.case.case)}/points.mrk.json` : "#";
}

function renderGuide(app) {
  const { guided, advance, exhausted, question } = app;
  fill($("guide"), [guided, advance, exhausted, question !== null], () => guide(app));
}

function guide(app) {
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
  return lines;
}

function check(text, on, act) {
  const box = h("input", { type: "checkbox", checked: on });
  box.addEventListener("change", () => {
    act();
    $("canvas").focus({ preventScroll: true });
  });
  return h("label", { class: "check" }, box, text);
}

export function renderTags(app) {
  const marks = (app.case?.marks ?? []).filter((mark) => mark.annotator === app.session.annotator);
  const slice = marks.filter((mark) => mark.kind === "slice_tag" && mark.slice === app.index).at(-1);
  const scan = marks.filter((mark) => mark.kind === "scan_tag").at(-1);
  fill($("tags"), [slice?.label, scan?.label, app.guided], () => [
    tagRow("Slice", slice?.label, [["No lesion", app.guided ? "" : "N", () => app.tagSlice(0)], ["Lesion", "L", () => app.tagSlice(1)]]),
    tagRow("Scan", scan?.label, [["Healthy", "H", () => app.tagScan(0)], ["Diseased", "D", () => app.tagScan(1)]]),
  ]);
}

function tagRow(title, value, choices) {
  const buttons = choices.map(([text, key, act], label) => toggle(text, value === label, act, false, key));
  return h("div", { class: "row" }, h("span", {}, title), h("div", { class: "group" }, ...buttons));
}

function renderModel(app) {
  const { training, model, gain } = app.summary;
  fill($("model"), [training, model, gain], () => modelLines(app));
  // By itself: what the model's lines say changes with every epoch, also while the button is pressed.
  const stoppable = training.state === "preparing" || training.state === "training";
  fill($("stop"), stoppable, () => (stoppable ? [button("Stop", { class: "wide", title: "End this training" }, () => app.stop())] : []));
}

function modelLines(app) {
  const { training, model, gain } = app.summary;
  const lines = [
    h(
      "div",
      { class: "row" },
      h("span", {}, "Model"),
      h("span", { class: "muted" }, model.name ? `${model.name}${model.questions_ready ? "" : ", choosing …"}` : model.loading ? "loading …" : "none yet"),
    ),
  ];
  const doing = DOING[training.state];
  if (doing) {
    lines.push(
      h("progress", { max: String(training.epochs), value: String(training.epoch) }),
      h("p", { class: "muted small" }, `${training.run}: ${doing(training)}. Go on clicking.`),
    );
  } else {
    lines.push(button("Train now", { class: "wide", title: "Shift T", id: "train" }, () => app.train()));
  }
  if (training.state === "failed") lines.push(h("p", { class: "error" }, training.message));
  if (training.state === "stopped") lines.push(h("p", { class: "muted small" }, `${training.message}.`));
  if (gain) {
    const sign = gain.per_minute < 0 ? "−" : "+";
    const figure = `${sign}${Math.abs(gain.per_minute).toFixed(3)} Dice per minute`;
    lines.push(h("p", { class: "small" }, figure, h("span", { class: "muted" }, ` · now ${gain.dice.toFixed(3)}, ${gain.minutes.toFixed(1)} min`)));
  }
  return lines;
}

function renderAgreement(pairs) {
  $("agreement").hidden = !pairs.length;
  fill($("agreement"), pairs, () => [h("h2", {}, "Agreement with"), ...pairs.map(agreementWith)]);
}

function agreementWith(pair) {
  const share = (value) => (value === null ? "–" : `${Math.round(value * 100)} %`);
  return h(
    "div",
    { class: "small" },
    h("strong", {}, pair.with),
    h("div", { class: "muted" }, `clicks within ${pair.within_mm} mm: ${share(pair.clicks_matched)} of ${pair.clicks}`),
    h("div", { class: "muted" }, `“nothing here”: ${share(pair.regions_same)} of ${pair.regions}`),
    h("div", { class: "muted" }, `tags: ${share(pair.tags_same)} of ${pair.tags}${pair.kappa === null ? "" : `, κ ${pair.kappa.toFixed(2)}`}`),
  );
}

export function renderAnswers(app) {
  const { answers, selected } = app;
  const list = $("answers");
  fill(list, [answers, selected], () => [h("h2", {}, "Your answers"), ...listed(app)]);
  const chosen = answers[selected]?.id ?? "";
  if (list.dataset.chosen !== chosen) list.querySelector('[aria-pressed="true"]')?.scrollIntoView({ block: "nearest" });
  list.dataset.chosen = chosen;
}

function listed(app) {
  if (!app.answers.length) return [h("p", { class: "muted small" }, "None yet.")];
  return app.answers.map((answer, number) => {
    const item = button("", { class: `answer ${kindClass(answer)}`, "aria-pressed": String(number === app.selected) }, () => app.selectAnswer(number));
    item.append(h("span", {}, describe(answer)), h("span", { class: "muted" }, answer.case));
    return item;
  });
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
