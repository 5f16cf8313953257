/** Which scan, slice, window and layers are seen. */

import { caseUrl, get } from "./api.js";
import { $ } from "./dom.js";
import { Page } from "./page.js";
import { renderFooter } from "./panel.js";

const STEP = 4;

export class Display extends Page {
  async openCase(name, index = null) {
    await this.guard(async () => {
      if (this.case?.case !== name) {
        const opened = await get(caseUrl(name));
        this.case = opened;
        this.viewer.open(opened.shape, opened.spacing);
        this.viewer.marks = [];
        index ??= Math.floor(opened.shape[0] / 2);
      }
      this.takeMarks(this.case.marks);
      await this.goTo(index ?? this.index);
      this.render();
    });
  }

  /** Show a slice; while several are asked for, only the last one matters. */
  async goTo(index) {
    const before = this.index;
    this.index = Math.max(0, Math.min(this.case.shape[0] - 1, index));
    const [name, wanted] = [this.case.case, this.index];
    await this.guard(async () => {
      const values = await this.slices.image(name, wanted);
      if (this.case.case !== name || this.index !== wanted) return;
      for (const layer of ["mask", "heat"]) if (this.shown[layer]) this.viewer.overlay(layer, null);
      this.viewer.show(values, wanted);
      this.slices.ahead(name, wanted, this.case.shape[0], wanted >= before ? 1 : -1);
      await this.showLayers();
    });
    this.renderSlice();
  }

  async showLayers() {
    const [name, wanted] = [this.case.case, this.index];
    for (const [layer, kind] of [["mask", "probability"], ["heat", "uncertainty"]]) {
      if (!this.shown[layer]) {
        this.viewer.overlay(layer, null);
        continue;
      }
      const values = await this.slices.overlay(kind, name, wanted);
      if (this.case.case === name && this.index === wanted) this.viewer.overlay(layer, values);
    }
  }

  scroll(slices) {
    if (this.case) this.goTo(this.index + (Number.isFinite(slices) ? slices : Math.sign(slices) * this.case.shape[0]));
  }

  stepCase(by) {
    const names = this.summary.cases.map((one) => one.case);
    const next = names[names.indexOf(this.case.case) + by];
    if (next) this.openCase(next);
  }

  setWindow(name) {
    this.windowName = name;
    const [low, high] = this.case?.intensity === "display" ? [0, 255] : this.windows[name];
    $("level").value = String((low + high) / 2);
    $("width").value = String(high - low);
    this.viewer.window(low, high);
    this.render();
  }

  editWindow() {
    this.setWindow("custom");
    $("level").select();
    $("level").focus();
  }

  readWindow() {
    const [level, width] = [Number($("level").value), Math.max(1, Number($("width").value))];
    this.windows.custom = [level - width / 2, level + width / 2];
    this.setWindow("custom");
  }

  toggle(layer) {
    if (layer !== "marks" && !this.summary.model.name) return this.say("There is no model yet: train one first.");
    this.shown[layer] = !this.shown[layer];
    this.viewer.shown.marks = this.shown.marks;
    this.guard(() => this.showLayers());
    this.viewer.draw();
    this.render();
  }

  point(place) {
    this.pointer = place;
    if (place) this.viewer.cursor = null;
    renderFooter(this);
    this.viewer.draw();
  }

  moveCursor(down, right) {
    const from = this.viewer.cursor ?? (this.pointer && this.viewer.holds(this.pointer) ? this.pointer : this.viewer.middle);
    const step = Math.max(1, Math.round(STEP / this.viewer.zoom));
    const row = Math.round(from.row) + down * step;
    const column = Math.round(from.column) + right * step;
    if (this.viewer.holds({ row, column })) this.viewer.cursor = { row, column };
    this.pointer = null;
    renderFooter(this);
    this.viewer.draw();
  }

  help() {
    $("keys").showModal();
  }
}
