// The dashboard's changing parts, as the server draws them, put in place when they change.
"use strict";

const AGAIN = 3000; // milliseconds until the server is asked again where the browser has given up

const board = document.getElementById("board");
const lost = document.getElementById("lost");
let source = null;
let timer = 0;

function show(event) {
  const html = JSON.parse(event.data).html;
  lost.hidden = html !== null;
  if (html === null) return;
  const fresh = new DOMParser().parseFromString(html, "text/html").body;
  const parts = [...fresh.children].map((part) => {
    const old = document.getElementById(part.id);
    // What is the same stays, with its focus and its scrolling.
    return old && old.outerHTML === part.outerHTML ? old : document.importNode(part, true);
  });
  const same = parts.length === board.children.length && parts.every((part, n) => part === board.children[n]);
  if (same) return;
  const kept = new Set(parts);
  for (const part of [...board.children]) if (!kept.has(part)) part.remove();
  parts.forEach((part, n) => {
    if (board.children[n] !== part) board.insertBefore(part, board.children[n] ?? null);
  });
}

// A browser has six connections to a host for all its tabs: six forgotten ones would leave it none.
function leave() {
  clearTimeout(timer);
  source?.close();
}

function follow() {
  leave();
  if (document.hidden) return;
  source = new EventSource("/runs/live");
  source.addEventListener("message", show);
  source.addEventListener("error", () => {
    lost.hidden = false;
    // It comes back by itself where nobody answered, and never after a 502 or 503.
    if (source.readyState === EventSource.CLOSED) timer = setTimeout(follow, AGAIN);
  });
}

follow();
document.addEventListener("visibilitychange", () => document.hidden ? leave() : follow());
window.addEventListener("pagehide", leave);
// Coming back by the back button, a page is as it was left.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) follow();
});
