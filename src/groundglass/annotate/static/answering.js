/** Giving answers, and taking them back. */

import { caseUrl, get, newId, post } from "./api.js";
import { Display } from "./display.js";
import { describe, renderAnswers } from "./panel.js";

export class Answering extends Display {
  clickCursor(label) {
    const place = this.viewer.cursor ?? this.pointer;
    if (!place) return this.say("Point at a place first, with the mouse or with Shift and the arrows.");
    if (this.viewer.cursor && !this.viewer.sees(place)) {
      return this.say("Not taken: the crosshair is out of sight. Shift and the arrows bring it back.", true);
    }
    this.click(place, label);
  }

  click(place, label) {
    if (!this.mayAnswer()) return;
    if (!this.viewer.holds(place)) return this.say("Click inside the image.");
    const mark = { kind: "point", slice: this.index, row: place.row, column: place.column, label };
    this.keep(mark, this.guided && this.advance && label === 1 && this.isAsked(place));
  }

  nothing() {
    if (!this.mayAnswer()) return;
    const asked = this.guided && this.question;
    if (asked && !this.onQuestion()) return this.showQuestion();
    this.keep({ kind: "nothing", slice: this.index, question: asked ? this.question.key : null }, Boolean(asked));
  }

  unsure() {
    if (!this.mayAnswer()) return;
    if (!this.guided || !this.question) return this.say("There is no question to skip.");
    this.keep({ kind: "unsure", question: this.question.key }, true, this.question.case);
  }

  tagSlice(label) {
    if (this.mayAnswer()) this.keep({ kind: "slice_tag", slice: this.index, label }, false);
  }

  tagScan(label) {
    if (this.mayAnswer()) this.keep({ kind: "scan_tag", label }, false);
  }

  /** Send an answer, one after the other. Until it is acknowledged its mark is dashed. */
  keep(answer, goOn, name = this.case.case) {
    const version = name === this.case.case ? this.case.version : undefined;
    const body = { ...answer, case: name, version, id: newId(), seconds: this.clock.take() };
    const pending = { ...answer, case: name, id: body.id, own: true, pending: true };
    if (answer.kind === "point") this.viewer.marks.push(pending);
    this.viewer.draw();
    this.queue = this.queue.then(async () => {
      const kept = await this.guard(() => post("/api/answers", body));
      const at = this.viewer.marks.indexOf(pending);
      if (at >= 0) this.viewer.marks.splice(at, 1);
      if (kept && this.case.case === name && answer.kind !== "unsure") this.addMark(kept);
      this.viewer.draw();
      if (!kept) return;
      this.answers.unshift({ ...kept, skipped: answer.kind === "unsure" });
      this.selected = -1;
      const counted = this.guard(() => this.refresh());
      await this.asking;
      if (goOn && this.guided) await this.nextQuestion();
      await counted;
    });
    return this.queue;
  }

  addMark(kept) {
    this.case.marks.push(kept);
    this.viewer.marks.push({ ...kept, own: true });
  }

  undo() {
    this.queue = this.queue.then(() => this.goBack("/api/undo", "Nothing to undo."));
    return this.queue;
  }

  redo() {
    this.queue = this.queue.then(() => this.goBack("/api/redo", "Nothing to redo."));
    return this.queue;
  }

  async goBack(path, nothing) {
    await this.guard(async () => {
      const mark = await post(path);
      if (!mark) return this.say(nothing);
      this.say(`${path.endsWith("undo") ? "Taken back" : "Given again"}: ${describe(mark)}`);
      await this.reload(mark);
    });
  }

  /** After an answer came or went: everything as the server has it, and where that answer is. */
  async reload(mark) {
    this.answers = await get("/api/answers");
    this.selected = -1;
    const opened = await get(caseUrl(mark.case));
    if (this.case?.case === mark.case) this.case.marks = opened.marks;
    await this.openCase(mark.case, mark.slice ?? null);
    if (this.guided && opened.question) this.question = opened.question;
    this.render();
    await this.refresh();
  }

  async stepAnswer(by) {
    if (by > 0 && this.selected === this.answers.length - 1) await this.guard(() => this.listEarlier());
    const next = Math.max(0, Math.min(this.answers.length - 1, this.selected + by));
    if (this.answers.length) this.selectAnswer(next);
  }

  /** The list begins with the latest answers; those before come when somebody goes there. */
  async listEarlier() {
    const last = this.answers.at(-1);
    const listed = new Set(this.answers.map((one) => one.id));
    const earlier = last ? await get(`/api/answers?before=${last.id}`) : [];
    this.answers.push(...earlier.filter((one) => !listed.has(one.id)));
  }

  async selectAnswer(number) {
    this.selected = number;
    await this.guard(async () => {
      const mark = await get(`/api/answers/${this.answers[number].id}`);
      if (this.selected !== number) return;
      await this.openCase(mark.case, mark.slice ?? null);
    });
    renderAnswers(this);
  }

  async retractSelected() {
    const chosen = this.answers[this.selected];
    if (!chosen) return this.say("Select an answer first, with , or in the list.");
    await this.guard(async () => this.reload(await post("/api/retract", { id: chosen.id })));
  }

  async importFile(input) {
    const file = input.files[0];
    if (!file) return;
    if (!this.case) return this.say("Open a scan first.");
    await this.guard(async () => {
      const done = await post("/api/import", { case: this.case.case, name: file.name, text: await file.text() });
      this.say(`${done.added} points added${done.already ? `, ${done.already} were there already` : ""}.`);
      await this.reload({ case: this.case.case, slice: this.index });
    });
    input.value = "";
  }
}
