/** Going to another slice or scan. Until it has come, `case` and `index` stay what is on the canvas, and `wanted` is the other. */

import { caseUrl, get } from "./api.js";
import { $ } from "./dom.js";
import { renderFooter } from "./footer.js";
import { Page } from "./page.js";

/** Milliseconds in which nobody answers what has just come: such a click was meant for what was there before. */
const GLANCE = 200;

export class Moving extends Page {
  /**
   * Show a slice of a scan, its middle one if none is named; while several are asked for, only the last one matters.
   * @returns {Promise<boolean>} whether it is shown now
   */
  async openCase(name, index = null) {
    const wanted = { name, index: this.case?.case === name ? within(this.case, index ?? this.index) : index };
    this.want(wanted);
    const shown = await this.guard(() => this.fetch(wanted));
    if (this.wanted === wanted) this.want(null);
    if (shown === undefined) this.render();
    return Boolean(shown);
  }

  /** Get all that a slice needs, and only then show it: image, number, marks and outline change together. */
  async fetch(wanted) {
    const opened = this.case?.case === wanted.name ? this.case : await this.load(wanted.name);
    wanted.index = within(opened, wanted.index ?? Math.floor(opened.shape[0] / 2));
    const values = await this.slices.image(opened, wanted.index);
    if (this.wanted !== wanted) return false;
    this.put(opened, wanted.index, values);
    return true;
  }

  /** With its answers as they were counted before, so that none that comes meanwhile is missed. */
  async load(name) {
    const counted = this.counted(name);
    return { ...(await get(caseUrl(name))), counted };
  }

  put(opened, index, values) {
    const [other, direction] = [opened !== this.case, index >= this.index ? 1 : -1];
    const otherNumbers = opened.intensity !== this.case?.intensity;
    [this.case, this.index] = [opened, index];
    if (otherNumbers) this.applyWindow();
    if (other) this.viewer.open(opened);
    this.takeMarks(opened.marks);
    for (const layer of ["mask", "heat"]) if (this.shown[layer]) this.viewer.overlay(layer, null);
    this.viewer.show(values, index);
    this.slices.ahead(opened, index, direction);
    this.guard(() => this.showLayers());
    if (other) this.render();
    else this.renderSlice();
  }

  /** One layer after the other, and no longer those of what is no longer shown: slices come by the same few connections. */
  async showLayers() {
    this.layering?.abort();
    const { signal } = (this.layering = new AbortController());
    if (!this.case) return;
    const layers = [["mask", "probability"], ["heat", "uncertainty"]];
    for (const [layer] of layers) if (!this.shown[layer]) this.viewer.overlay(layer, null);
    for (const [layer, kind] of layers.filter(([one]) => this.shown[one])) {
      try {
        const values = await this.slices.overlay(kind, this.case, this.index, signal);
        if (!signal.aborted) this.viewer.overlay(layer, values);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
      if (signal.aborted) return;
    }
  }

  /** A slice of the scan that is shown, unless another scan is on its way. */
  goTo(index) {
    if (this.case && (this.wanted?.name ?? this.case.case) === this.case.case) this.openCase(this.case.case, index);
  }

  scroll(slices) {
    const from = this.wanted?.index ?? this.index;
    if (this.case) this.goTo(from + (Number.isFinite(slices) ? slices : Math.sign(slices) * this.case.shape[0]));
  }

  stepCase(by) {
    const names = this.summary.cases.map((one) => one.case);
    const next = names[names.indexOf(this.wanted?.name ?? this.case?.case) + by];
    if (next) this.openCase(next);
  }

  want(wanted) {
    this.wanted = wanted;
    renderFooter(this);
    this.renderBusy();
  }

  /** Why an answer could be about something nobody has seen, or nothing. */
  unseen() {
    if (this.asking) return "the next question is still on its way";
    if (this.wanted) return "another image is still being loaded";
    if (!this.case) return "no image is open";
    return this.viewer.age() < GLANCE ? "the image has only just changed" : null;
  }

  /** An answer is about what is on the canvas, and has been for a moment; any other is not taken, and that is said. */
  mayAnswer() {
    const reason = this.unseen();
    if (reason) this.refuse(reason);
    return !reason;
  }

  refuse(reason) {
    this.say(`Not taken: ${reason}. Look, then answer again.`, true);
  }

  /** Tell others, such as a screen reader, whether answers are taken. */
  renderBusy() {
    clearTimeout(this.later);
    const busy = this.unseen() !== null;
    $("stage").setAttribute("aria-busy", String(busy));
    if (busy) this.later = setTimeout(() => this.renderBusy(), 50);
  }
}

/** The nearest slice there is. */
function within(opened, index) {
  return Math.max(0, Math.min(opened.shape[0] - 1, index));
}
