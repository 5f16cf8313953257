/** The whole page: questions and the model, on top of answering, on top of what is seen. */

import { get, post } from "./api.js";
import { Answering } from "./answering.js";

export class App extends Answering {
  async begin() {
    await this.refresh();
    this.answers = await get("/api/answers");
    const last = this.answers[0]?.case;
    const known = this.summary.cases.some((one) => one.case === last);
    await this.openFirst(known ? last : null);
    this.render();
    this.clock.restart();
  }

  /** A scan that cannot be read is said, and the next one is opened; unless somebody has chosen one meanwhile. */
  async openFirst(wanted) {
    const names = this.summary.cases.map((one) => one.case);
    for (const name of new Set(wanted ? [wanted, ...names] : names)) {
      if (this.wanted || this.case) return;
      await this.openCase(name);
    }
  }

  setGuided(on) {
    this.guided = on;
    if (!on) this.viewer.reset();
    this.render();
    return on && this.nextQuestion();
  }

  toggleGuided() {
    this.setGuided(!this.guided);
  }

  toggleAdvance() {
    this.advance = !this.advance;
    this.render();
  }

  /** The open question, or the next one if that has been answered. */
  nextQuestion() {
    if (!this.guided) return this.setGuided(true);
    this.asking ??= this.guard(() => this.ask()).finally(() => (this.asking = null));
    this.renderBusy();
    return this.asking;
  }

  /** The question before is asked until this one is seen. */
  async ask() {
    const question = await post("/api/question");
    const shown = question && (await this.openCase(question.case, question.slice));
    this.question = question;
    this.exhausted = question === null;
    this.render();
    if (shown && this.guided) this.viewer.focus(question.rows, question.columns);
  }

  async showQuestion() {
    const { case: name, slice, rows, columns } = this.question;
    if (await this.openCase(name, slice)) this.viewer.focus(rows, columns);
  }

  /** Whether the asked region is on the canvas. */
  onQuestion() {
    const { question, index } = this.viewer;
    return question !== null && question === this.question && question.slice === index && this.viewer.seesBox(question);
  }

  isAsked(place) {
    if (!this.onQuestion()) return false;
    const { rows, columns } = this.question;
    const inside = (value, [first, end]) => value >= first - 0.5 && value < end - 0.5;
    return inside(place.row, rows) && inside(place.column, columns);
  }

  train() {
    return this.begun("/api/train");
  }

  stop() {
    return this.begun("/api/stop");
  }

  async begun(path) {
    await this.guard(async () => {
      await post(path);
      await this.refresh();
    });
  }
}
