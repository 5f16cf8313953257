/** How a slice is seen: its window, layers, pointer and crosshair. */

import { $ } from "./dom.js";
import { Moving } from "./moving.js";
import { renderFooter } from "./panel.js";

const STEP = 4;

export class Display extends Moving {
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
