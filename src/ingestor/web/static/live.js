// The dashboard's changing parts, as the server draws them, put in place when they change.
"use strict";

const board = document.getElementById("board");
const source = new EventSource("/runs/live");

source.addEventListener("message", (event) => {
  const html = JSON.parse(event.data).html;
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
});
window.addEventListener("pagehide", () => source.close());
