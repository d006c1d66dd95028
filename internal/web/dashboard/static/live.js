// What makes the pages better where scripts may run. Without it they are asked for
// again every few seconds, and a confirmation is a page of its own.
"use strict";

document.documentElement.classList.add("js");

const byId = (id) => document.getElementById(id);
const dialog = byId("dialog");

// Times: how long ago, and in the reader's own zone when pointed at.
function ago(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 2) return "now";
  if (s < 120) return `${s} s ago`;
  if (s < 7200) return `${Math.round(s / 60)} min ago`;
  if (s < 172800) return `${Math.round(s / 3600)} h ago`;
  return `${Math.round(s / 86400)} days ago`;
}
function times(root) {
  for (const t of root.querySelectorAll("time[data-as]")) {
    const at = new Date(t.dateTime);
    t.title ||= `${at.toLocaleString()} here · ${t.textContent}`;
    if (t.dataset.as === "ago") {
      const text = ago(Date.now() - at);
      if (t.textContent !== text) t.textContent = text;
    }
  }
}
times(document);
setInterval(() => { if (!document.hidden) times(document); }, 1000);

// Parts of the overview come from the server as they change. What a person presses
// or selects just now stays as it is until that is done.
const held = new Map();
let pressed = false;
function busy(place) {
  const selection = document.getSelection();
  return pressed || (selection && !selection.isCollapsed && place.contains(selection.anchorNode));
}
function release() {
  for (const [id, html] of held) {
    if (busy(byId(id))) continue;
    held.delete(id);
    swap(id, html);
  }
}
document.addEventListener("pointerdown", () => { pressed = true; });
for (const kind of ["pointerup", "pointercancel", "dragend"]) {
  document.addEventListener(kind, () => { pressed = false; setTimeout(release, 0); });
}
setInterval(release, 1000);
function swap(id, html) {
  const place = byId(id);
  if (!place || place.dataset.had === html) return;
  if (busy(place)) {
    held.set(id, html);
    return;
  }
  held.delete(id);
  const focused = place.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  const scrolled = [...place.querySelectorAll(".scroll")].map((e) => e.scrollLeft);
  place.dataset.had = html;
  place.innerHTML = html;
  place.querySelectorAll(".scroll").forEach((e, i) => { e.scrollLeft = scrolled[i] || 0; });
  if (focused) place.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
  times(place);
}

// Pages about contacts ask for themselves again when something happened to some.
let asking = false, asked = 0, again = false;
async function reload() {
  if (asking || Date.now() - asked < 1500) {
    if (!again) { again = true; setTimeout(() => { again = false; reload(); }, 1600); }
    return;
  }
  asking = true;
  try {
    const answer = await fetch(location.href, { headers: { "Contactsync-Swap": "1" } });
    if (answer.ok) {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("swap");
      if (fresh && fresh.innerHTML !== byId("swap").innerHTML) swap("swap", fresh.innerHTML);
    }
  } catch {
    // The stream says that the server is away.
  } finally {
    asking = false;
    asked = Date.now();
  }
}

// The stream is open only while somebody can see the page: a browser has few
// connections for all of a site's windows.
let stream = null, beat = document.body.dataset.live, later = null;
function down(text) {
  const place = byId("down");
  place.hidden = text === "-";
  if (place.textContent !== text) place.textContent = text === "-" ? "" : text;
}
function listen() {
  if (stream || document.hidden) return;
  stream = new EventSource("/events");
  stream.addEventListener("open", () => { document.documentElement.dataset.live = "on"; });
  for (const id of ["sentence", "tiles", "plots", "limits", "replicas", "cycles", "actions", "pulse"]) {
    stream.addEventListener(id, (e) => swap(id, e.data));
  }
  stream.addEventListener("beat", (e) => {
    if (beat !== e.data && byId("swap")) reload();
    beat = e.data;
  });
  stream.addEventListener("down", (e) => down(e.data));
  stream.addEventListener("error", () => {
    document.documentElement.dataset.live = "off";
    if (stream.readyState !== EventSource.CLOSED) return; // it tries again by itself
    hush();
    later = setTimeout(listen, 5000);
  });
}
function hush() {
  clearTimeout(later);
  stream?.close();
  stream = null;
}
if ("live" in document.body.dataset) {
  listen();
  document.addEventListener("visibilitychange", () => { if (document.hidden) hush(); else listen(); });
  window.addEventListener("pagehide", hush);
  window.addEventListener("pageshow", (e) => { if (e.persisted) listen(); });
}

// A confirmation is a dialog with the form of its page.
document.addEventListener("click", async (e) => {
  if (e.target.closest("dialog [data-close]")) {
    e.preventDefault();
    dialog.close();
    return;
  }
  const link = e.target.closest("a[data-dialog]");
  if (!link || e.ctrlKey || e.metaKey || e.shiftKey || e.button) return;
  e.preventDefault();
  try {
    const answer = await fetch(link.href, { headers: { "Contactsync-Swap": "1" } });
    const form = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("form.confirm");
    if (!answer.ok || !form) throw new Error("no form");
    open(form);
  } catch {
    location.href = link.href;
  }
});
function open(form) {
  dialog.replaceChildren(document.importNode(form, true));
  dialog.setAttribute("aria-labelledby", "dialog-head");
  dialog.showModal();
  (dialog.querySelector("input") || dialog.querySelector("button")).focus();
}
dialog.addEventListener("click", (e) => { if (e.target === dialog) dialog.close(); });
document.addEventListener("submit", (e) => { // once is enough
  const button = e.target.querySelector("button.main");
  if (button) setTimeout(() => { button.disabled = true; }, 0);
});

// Plots: what a step of time held.
for (const kind of ["pointerover", "pointerout"]) {
  document.addEventListener(kind, (e) => {
    const step = e.target.closest?.(".step");
    if (step) step.closest("figure").querySelector("output").textContent = kind === "pointerover" ? step.dataset.tip : "";
  });
}

// Keys.
let first = "";
document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || dialog.open || e.target.closest("input, textarea, select")) return;
  const go = { go: "/", gc: "/contacts", gf: "/failures", gh: "/checks" }[first + e.key];
  first = e.key === "g" ? "g" : "";
  if (go) location.href = go;
  else if (e.key === "?") open(byId("keys").content.firstElementChild);
  else if (e.key === "/") {
    e.preventDefault();
    if (byId("q")) byId("q").focus();
    else location.href = "/contacts#q";
  }
});
if (location.hash === "#q") byId("q")?.focus();
