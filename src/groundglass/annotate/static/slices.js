/** Slices and overlays, kept for a while and fetched ahead. */

import { bytes, caseUrl } from "./api.js";

const KEEP = 96;
const AHEAD = 6;

/** Milliseconds on one slice before its overlay is asked for: the server goes on with what nobody waits for any more. */
const REST = 120;

/** A cache, the least recently used dropped first. */
class Recent {
  constructor() {
    /** @type {Map<string, any>} */
    this.entries = new Map();
  }

  /**
   * @template T
   * @param {string} key
   * @param {() => Promise<T>} make
   * @returns {Promise<T>}
   */
  get(key, make) {
    const known = this.find(key);
    if (known) return known;
    const entry = make();
    entry.catch(() => this.entries.delete(key));
    return this.put(key, entry);
  }

  /** What is there already. @param {string} key */
  find(key) {
    const entry = this.entries.get(key);
    if (entry) {
      this.entries.delete(key);
      this.entries.set(key, entry);
    }
    return entry;
  }

  put(key, entry) {
    this.entries.set(key, entry);
    while (this.entries.size > KEEP) this.entries.delete(this.entries.keys().next().value);
    return entry;
  }

  clear() {
    this.entries.clear();
  }
}

export class Slices {
  constructor() {
    this.images = new Recent();
    this.overlays = new Recent();
  }

  /** HU or grey values of a slice, rows first. @returns {Promise<Int16Array>} */
  image(opened, index) {
    const path = address(opened, `slices/${index}`);
    return this.images.get(path, async () => new Int16Array(await bytes(path)));
  }

  /**
   * A share in [0, 1] as a byte for each pixel.
   * @param {"probability" | "uncertainty"} kind
   * @param {AbortSignal} signal when nobody waits for it any more
   * @returns {Promise<Uint8Array>}
   */
  async overlay(kind, opened, index, signal) {
    const path = address(opened, `slices/${index}/${kind}`);
    const known = this.overlays.find(path);
    if (known) return known;
    await new Promise((done) => setTimeout(done, REST));
    signal.throwIfAborted();
    const values = new Uint8Array(await bytes(path, signal));
    signal.throwIfAborted();
    return this.overlays.put(path, values);
  }

  /** Fetch neighbors, those in the direction of travel first. */
  ahead(opened, index, direction) {
    const depth = opened.shape[0];
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      for (let step = 1; step <= AHEAD; step++) {
        for (const next of [index + direction * step, index - direction * Math.ceil(step / 3)]) {
          if (next >= 0 && next < depth) this.image(opened, next).catch(() => {});
        }
      }
    }, 30);
  }

  /** Forget what the model before this one said. */
  forgetModel() {
    this.overlays.clear();
  }
}

/** Of the scan as it was opened: if it has been replaced on the disk since, the server refuses to mix the two. */
function address({ case: name, version }, what) {
  return `${caseUrl(name)}/${what}${version ? `?version=${encodeURIComponent(version)}` : ""}`;
}
