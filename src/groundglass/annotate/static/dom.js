/** Building the page. Text only ever becomes text, never markup. */

/**
 * @param {string} tag
 * @param {Record<string, string | boolean>} attributes
 * @param {...(Node | string)} children
 */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** @param {string} id */
export function $(id) {
  return document.getElementById(id);
}

/** @type {WeakMap<Element, string>} */
const drawn = new WeakMap();

/**
 * Fill an element anew, unless what it is drawn from is as before: a button that is replaced while it is pressed or has
 * the keyboard loses both.
 * @param {Element} element
 * @param {unknown} data all that the children depend on
 * @param {() => (Node | string)[]} make
 */
export function fill(element, data, make) {
  const now = JSON.stringify(data);
  if (drawn.get(element) === now) return;
  drawn.set(element, now);
  const place = focusable(element).indexOf(document.activeElement);
  element.replaceChildren(...make());
  if (place >= 0) focusable(element)[place]?.focus({ preventScroll: true });
}

/** @param {Element} element */
function focusable(element) {
  return [...element.querySelectorAll("button, input")];
}

/** A button that calls back and gives the keyboard back to the image. */
export function button(text, attributes, act) {
  const element = h("button", attributes, text);
  element.addEventListener("click", () => {
    act();
    $("canvas").focus({ preventScroll: true });
  });
  return element;
}

/** A button that is in or out. */
export function toggle(text, on, act, disabled = false, title = "") {
  return button(text, { "aria-pressed": String(on), disabled, title }, act);
}

/** @param {number} seconds */
export function duration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
