/** How a slice is seen: its window, layers, pointer and crosshair. */

import { $ } from "./dom.js";
import { renderFooter } from "./footer.js";
import { Moving } from "./moving.js";

const STEP = 4;

export class Display extends Moving {
  setWindow(name) {
    this.window.chosen = name;
    this.applyWindow();
    this.render();
  }

  /** The chosen window of such numbers as the open image has. */
  applyWindow() {
    const [low, high] = this.window.named[this.window.chosen];
    $("level").value = String((low + high) / 2);
    $("width").value = String(high - low);
    this.viewer.window(low, high);
  }

  /** Windows by the keys 1 and 2; a picture of 8 bits has but one. */
  setPreset(number) {
    const name = Object.keys(this.window.named).filter((one) => one !== "custom")[number];
    if (name) this.setWindow(name);
    else this.say("An image of 8 bits has no such window: 1 shows all of it, 3 is your own.");
  }

  editWindow() {
    this.setWindow("custom");
    $("level").select();
    $("level").focus();
  }

  readWindow() {
    const [level, width] = [Number($("level").value), Math.max(1, Number($("width").value))];
    this.window.named.custom = [level - width / 2, level + width / 2];
    this.setWindow("custom");
  }

  toggle(layer) {
    const { name, loading } = this.summary.model;
    if (layer !== "marks" && !name) {
      return this.say(loading ? "The model is still being loaded." : "There is no model yet: train one first.");
    }
    this.shown[layer] = !this.shown[layer];
    this.viewer.shown.marks = this.shown.marks;
    this.guard(() => this.showLayers());
    this.viewer.draw();
    this.render();
  }

  /** The mouse is here now. @param {{clientX: number, clientY: number} | null} mouse */
  point(mouse) {
    this.mouse = mouse;
    if (mouse) this.viewer.cursor = null;
    renderFooter(this);
    this.viewer.draw();
  }

  moveCursor(down, right) {
    const seen = [this.viewer.cursor, this.pointer].find((one) => one && this.viewer.sees(one));
    const from = seen ?? this.viewer.middle;
    const step = Math.max(1, Math.round(STEP / this.viewer.zoom));
    const row = Math.round(from.row) + down * step;
    const column = Math.round(from.column) + right * step;
    if (this.viewer.holds({ row, column })) this.viewer.cursor = { row, column };
    this.mouse = null;
    renderFooter(this);
    this.viewer.draw();
  }

  help() {
    $("keys").showModal();
  }
}
