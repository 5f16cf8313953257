/** Giving answers, and taking them back. */

import { caseUrl, get, post } from "./api.js";
import { describe, renderAnswers } from "./panel.js";
import { Saving } from "./saving.js";

export class Answering extends Saving {
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
    if (!this.guided) return this.keep({ kind: "nothing", slice: this.index, question: null }, false);
    if (!this.mayAnswerQuestion()) return;
    if (!this.onQuestion()) return this.showQuestion();
    this.keep({ kind: "nothing", slice: this.index, question: this.question.key }, true);
  }

  unsure() {
    if (!this.mayAnswer()) return;
    if (!this.guided) return this.say("There is no question to skip.");
    if (this.mayAnswerQuestion()) this.keep({ kind: "unsure", question: this.question.key }, true, this.question.case);
  }

  /** A question is answered once, and where none is open nobody means the whole slice. */
  mayAnswerQuestion() {
    const isSent = this.unsaved.some((one) => one.question && one.question === this.question?.key);
    if (this.question && !this.question.answered && !isSent) return true;
    const reason = this.question ? "that question is answered" : "no question is open";
    this.say(`Not taken: ${reason}. Enter asks the next one.`, true);
    return false;
  }

  tagSlice(label) {
    if (this.mayAnswer()) this.keep({ kind: "slice_tag", slice: this.index, label }, false);
  }

  tagScan(label) {
    if (this.mayAnswer()) this.keep({ kind: "scan_tag", label }, false);
  }

  undo() {
    return this.inTurn("/api/undo", "Nothing to undo.");
  }

  redo() {
    return this.inTurn("/api/redo", "Nothing to redo.");
  }

  /** After the answers that are on their way; while those cannot get through nobody sees what would be undone. */
  inTurn(path, nothing) {
    if (this.waiting) return this.say("Not yet: an answer is not saved yet.", true);
    this.queue = this.queue.then(() => this.goBack(path, nothing));
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
      checkSize(file, this.session.largest_import);
      const done = await post("/api/import", { case: this.case.case, name: file.name, text: await file.text() });
      this.say(`${done.added} points added${done.already ? `, ${done.already} were there already` : ""}.`);
      await this.reload({ case: this.case.case, slice: this.index });
    });
    input.value = "";
  }
}

/** Before it is sent: the server would read it all and then refuse it. */
function checkSize({ name, size }, largest) {
  if (size <= largest) return;
  const [has, most] = [size, largest].map((bytes) => Math.ceil(bytes / 1e6));
  throw new Error(`${name} has ${has} MB, at most ${most} MB can be imported; import it in parts.`);
}
