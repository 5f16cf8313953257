/** What the page knows, how it is drawn, and how it says what went wrong. */

import { caseUrl, get } from "./api.js";
import { renderBar } from "./bar.js";
import { Clock } from "./clock.js";
import { $ } from "./dom.js";
import { renderFooter } from "./footer.js";
import { renderAnswers, renderPanel, renderTags } from "./panel.js";
import { Slices } from "./slices.js";

export class Page {
  /** @param {{dataset: string, annotator: string, windows: Record<string, [number, number]>, largest_import: number}} session */
  constructor(session) {
    this.session = session;
    this.windows = {
      hu: { named: { ...session.windows, custom: [-1000, 1000] }, chosen: "lung" },
      display: { named: { full: [0, 255], custom: [0, 255] }, chosen: "full" },
    };
    this.shown = { mask: false, heat: false, marks: true };
    this.guided = false;
    this.advance = true;
    this.question = null;
    this.exhausted = false;
    this.answers = [];
    this.selected = -1;
    this.unsaved = [];
    this.waiting = false;
    this.index = 0;
    this.wanted = null;
    this.asking = null;
    this.mouse = null;
    this.slices = new Slices();
    this.clock = new Clock();
    this.queue = Promise.resolve();
    /** @type {import("./viewer.js").Viewer} */
    this.viewer = null;
  }

  /** What the server knows; other people answer too, and a training may have ended. */
  async refresh() {
    const before = this.summary?.model.version;
    const [latest, idle] = [this.answers[0], !this.unsaved.length];
    this.summary = await get("/api/summary");
    const { model } = this.summary;
    if (model.name) this.viewer?.threshold(model.threshold);
    if (before !== undefined && before !== model.version) {
      this.slices.forgetModel();
      this.say(`New model: ${model.name}. The next questions come from it.`);
      await this.showLayers();
    }
    this.render();
    // With an answer of one's own on its way the count may be without it; its acknowledgment asks again.
    if (idle && !this.unsaved.length && this.answers[0] === latest) await this.followMarks();
  }

  /** Answers to a scan as they were counted last. */
  counted(name) {
    return this.summary.cases.find((one) => one.case === name)?.answers;
  }

  /** Marks of the open scan once more if the number of its answers is another than when they came. */
  async followMarks() {
    const opened = this.case;
    const counted = opened ? this.counted(opened.case) : undefined;
    if (counted === undefined || counted === opened.counted) return;
    const before = opened.marks;
    const { marks, version } = await get(caseUrl(opened.case));
    if (opened.marks !== before || version !== opened.version) return;
    Object.assign(opened, { marks, counted });
    if (this.case !== opened) return;
    this.takeMarks(marks);
    this.renderSlice();
  }

  takeMarks(marks) {
    const own = this.session.annotator;
    const chosen = this.answers[this.selected]?.id;
    const ids = new Set(marks.map((mark) => mark.id));
    const pending = this.unsaved.filter((mark) => mark.case === this.case.case && !ids.has(mark.id));
    const known = marks.map((mark) => ({ ...mark, own: mark.annotator === own, selected: mark.id === chosen }));
    this.viewer.marks = [...known, ...pending];
    this.viewer.draw();
  }

  /** Windows of such numbers as the open image has, and which is chosen. */
  get window() {
    return this.windows[this.case?.intensity ?? "hu"];
  }

  /** The place under the mouse, wherever the image has been moved since. */
  get pointer() {
    return this.mouse && this.viewer.toPlace(this.mouse);
  }

  render() {
    renderBar(this);
    renderPanel(this);
    if (this.case) this.renderSlice();
    renderAnswers(this);
  }

  renderSlice() {
    const here = this.guided && this.question?.case === this.case.case;
    this.viewer.ask(here ? this.question : null);
    $("ask").hidden = !(this.guided && this.question && !this.onQuestion());
    $("ask").textContent = "The asked region is not in sight. N goes back to it.";
    renderTags(this);
    renderFooter(this);
  }

  say(text, wrong = false) {
    const toast = $("toast");
    toast.textContent = text;
    toast.className = wrong ? "wrong shown" : "shown";
    clearTimeout(this.silence);
    this.silence = setTimeout(() => toast.classList.remove("shown"), wrong ? 8000 : 3500);
  }

  /** Do something; if it fails say why, and go on. */
  async guard(act) {
    try {
      return await act();
    } catch (error) {
      this.say(error.message, true);
      return undefined;
    }
  }
}
