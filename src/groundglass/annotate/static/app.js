/** The whole page: questions and the model, on top of answering, on top of what is seen. */

import { get, post } from "./api.js";
import { Answering } from "./answering.js";

export class App extends Answering {
  async begin() {
    await this.refresh();
    this.answers = await get("/api/answers");
    const last = this.answers[0]?.case;
    const known = this.summary.cases.some((one) => one.case === last);
    await this.openCase(known ? last : this.summary.cases[0].case);
    this.setWindow("lung");
    this.clock.restart();
  }

  setGuided(on) {
    this.guided = on;
    this.clock.restart();
    if (on) return this.nextQuestion();
    this.viewer.question = null;
    this.viewer.reset();
    this.render();
  }

  toggleGuided() {
    this.setGuided(!this.guided);
  }

  toggleAdvance() {
    this.advance = !this.advance;
    this.render();
  }

  async nextQuestion() {
    if (!this.guided) return this.setGuided(true);
    await this.guard(async () => {
      this.question = await post("/api/question");
      this.exhausted = this.question === null;
      await this.refresh();
      if (this.question) await this.showQuestion();
      this.render();
    });
  }

  async showQuestion() {
    await this.openCase(this.question.case, this.question.slice);
    this.viewer.focus(this.question.rows, this.question.columns);
  }

  onQuestion() {
    return this.question.case === this.case.case && this.question.slice === this.index;
  }

  isAsked(place) {
    if (!this.question || !this.onQuestion()) return false;
    const { rows, columns } = this.question;
    const inside = (value, [first, end]) => value >= first - 0.5 && value < end - 0.5;
    return inside(place.row, rows) && inside(place.column, columns);
  }

  async train() {
    await this.guard(async () => {
      await post("/api/train");
      await this.refresh();
    });
  }
}
