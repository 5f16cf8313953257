/** Starts the page and joins its parts. */

import { get } from "./api.js";
import { App } from "./app.js";
import { $ } from "./dom.js";
import { fillHelp, listenToKeys } from "./keys.js";
import { Viewer } from "./viewer.js";

const POLL = { idle: 8000, busy: 1500 };

async function start() {
  const app = new App(await get("/api/session"));
  app.viewer = new Viewer($("canvas"), {
    click: (place, label) => app.click(place, label),
    late: () => app.refuse("the image changed under the mouse button"),
    slipped: () => app.refuse("the mouse was moved while its button was down, which moves the image"),
    changed: () => app.renderBusy(),
    move: (mouse) => app.point(mouse),
    scroll: (slices) => app.scroll(slices),
    go: (index) => app.goTo(index),
  });
  listen(app);
  await app.begin();
  poll(app);
}

function listen(app) {
  listenToKeys(app);
  window.addEventListener("beforeunload", (event) => app.unsaved.length && event.preventDefault());
  fillHelp($("keys"));
  $("help").addEventListener("click", () => app.help());
  $("undo").addEventListener("click", () => app.undo());
  $("redo").addEventListener("click", () => app.redo());
  $("case").addEventListener("change", (event) => app.openCase(event.target.value).then(() => event.target.blur()));
  for (const id of ["level", "width"]) $(id).addEventListener("change", () => app.readWindow());
  $("file").addEventListener("change", (event) => app.importFile(event.target));
  $("import").addEventListener("keydown", (event) => event.key === "Enter" && $("file").click());
}

function poll(app) {
  const busy = ["preparing", "training", "stopping"].includes(app.summary.training.state) || !app.summary.model.questions_ready;
  setTimeout(async () => {
    if (!document.hidden) await app.guard(() => app.refresh());
    poll(app);
  }, busy ? POLL.busy : POLL.idle);
}

start().catch((error) => {
  $("toast").textContent = error.message;
  $("toast").className = "wrong shown";
});
