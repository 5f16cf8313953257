/** Seconds an answer took: the time the page was looked at since the last one, pauses left out. */

const PAUSE = 60;

export class Clock {
  constructor() {
    this.restart();
    document.addEventListener("visibilitychange", () => (document.hidden ? this.stop() : this.go()));
  }

  restart() {
    this.before = 0;
    this.started = performance.now();
  }

  stop() {
    this.before = this.seconds();
    this.started = null;
  }

  go() {
    if (this.started === null) this.started = performance.now();
  }

  /** Seconds so far; more than a minute without an answer is a pause. */
  seconds() {
    const running = this.started === null ? 0 : (performance.now() - this.started) / 1000;
    return Math.min(this.before + running, PAUSE);
  }

  /** Seconds so far, and from zero again. */
  take() {
    const seconds = this.seconds();
    this.restart();
    return Math.round(seconds * 100) / 100;
  }

  /** Seconds of an answer that was not kept after all. */
  giveBack(seconds) {
    this.before += seconds;
  }
}
