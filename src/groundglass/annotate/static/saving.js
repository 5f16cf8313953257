/** Answers on their way to the server, one after the other. Nothing but a refusal takes one back. */

import { insist, newId } from "./api.js";
import { Display } from "./display.js";
import { $ } from "./dom.js";

export class Saving extends Display {
  /** Keep an answer. Until it is acknowledged its mark is dashed. */
  keep(answer, goOn, name = this.case.case) {
    const version = name === this.case.case ? this.case.version : undefined;
    const body = { ...answer, case: name, version, id: newId(), seconds: this.clock.take() };
    const question = goOn ? this.question : null;
    if (question) question.answered = true;
    this.unsaved.push({ ...answer, case: name, id: body.id, own: true, pending: true });
    this.takeMarks(this.case.marks);
    this.queue = this.queue.then(() => this.save(body, question));
    return this.queue;
  }

  async save(body, question) {
    const kept = await this.guard(() => insist("/api/answers", body, () => this.wait(true)));
    this.wait(false);
    this.unsaved = this.unsaved.filter((one) => one.id !== body.id);
    if (kept) return this.acknowledged(kept, body, question);
    this.clock.giveBack(body.seconds);
    if (question) question.answered = false;
    this.takeMarks(this.case.marks);
  }

  async acknowledged(kept, { kind }, question) {
    this.answers.unshift({ ...kept, skipped: kind === "unsure" });
    this.selected = -1;
    if (this.case.case === kept.case && kind !== "unsure") this.addMark(kept);
    this.takeMarks(this.case.marks);
    const counted = this.guard(() => this.refresh());
    await this.asking;
    if (question && this.guided) await this.nextQuestion();
    await counted;
  }

  addMark(kept) {
    const others = this.case.marks.filter((mark) => mark.id !== kept.id);
    this.case.marks = [...others, kept];
    this.case.counted += 1;
  }

  /** Say as long as it lasts that an answer does not get through. */
  wait(waiting) {
    this.waiting = waiting;
    $("unsaved").hidden = !waiting;
    const count = this.unsaved.length;
    const which = count > 1 ? `${count} answers are` : "Your last answer is";
    $("unsaved").textContent = waiting ? `${which} not saved yet; trying again. Leave this page open.` : "";
  }
}
