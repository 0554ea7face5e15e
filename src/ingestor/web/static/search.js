// The search box with suggestions, as the combobox pattern has it
// (https://www.w3.org/WAI/ARIA/apg/patterns/combobox/). Without this file the form works as it is.
"use strict";

const PAUSE = 80; // milliseconds without a key before asking
const MOST = 6; // with the front page's 24 these are as many pictures as a page may show
const MOST_PICTURES = 30; // by Flickr's terms

const form = document.querySelector("form.search");
const input = document.getElementById("q");
const list = document.getElementById("options");
const told = document.getElementById("told");
const known = new Map();
let chosen = -1;
let timer = 0;
let asked = 0;

// The label being typed stands behind the last comma, "or", "and" or "not", or behind an open quote.
const LAST = /^(.*(?:,|(?:^|\s)(?:and|or|not|without)\s|(?:^|[\s,])-))?\s*([^,"]*)$/i;

function split() {
  const text = input.value;
  const quote = text.lastIndexOf('"');
  if (text.split('"').length % 2 === 0) return [text.slice(0, quote), text.slice(quote + 1)];
  const match = LAST.exec(text);
  return match ? [match[1] ?? "", match[2]] : [text, ""];
}

function complete(term) {
  const [head] = split();
  const gap = head === "" || /[\s-]$/.test(head) ? "" : " ";
  input.value = head + gap + term;
}

// An answer still on its way would open the list again, behind the back of who closed it.
function close() {
  clearTimeout(timer);
  asked += 1;
  list.hidden = true;
  chosen = -1;
  input.setAttribute("aria-expanded", "false");
  input.removeAttribute("aria-activedescendant");
}

function choose(position) {
  const options = list.children;
  if (options[chosen]) options[chosen].setAttribute("aria-selected", "false");
  chosen = position;
  if (!options[chosen]) {
    input.removeAttribute("aria-activedescendant");
    return;
  }
  options[chosen].setAttribute("aria-selected", "true");
  options[chosen].scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", options[chosen].id);
}

function take(option) {
  complete(option.dataset.term);
  close();
  form.requestSubmit();
}

function pictureOf(label) {
  const picture = document.createElement(label.image ? "img" : "span");
  if (label.image) {
    picture.src = label.image;
    picture.alt = "";
    picture.referrerPolicy = "no-referrer";
  } else {
    picture.className = "blank";
  }
  return picture;
}

function option(label, prefix, position) {
  const item = document.createElement("li");
  item.id = `option-${position}`;
  item.setAttribute("role", "option");
  item.setAttribute("aria-selected", "false");
  item.dataset.term = label.term;
  const name = document.createElement("bdi");
  const begins = label.name.toLowerCase().startsWith(prefix.toLowerCase());
  const head = document.createElement("b");
  head.textContent = begins ? label.name.slice(0, prefix.length) : "";
  name.append(head, begins ? label.name.slice(prefix.length) : label.name);
  if (document.querySelectorAll("main img").length + MOST <= MOST_PICTURES) {
    item.append(pictureOf(label));
  }
  item.append(name);
  if (label.photos !== null) {
    const count = document.createElement("small");
    count.textContent = label.photos.toLocaleString("en");
    item.append(count);
  }
  return item;
}

function show(labels, prefix) {
  list.replaceChildren(...labels.map((label, position) => option(label, prefix, position)));
  chosen = -1;
  list.hidden = labels.length === 0;
  input.setAttribute("aria-expanded", String(labels.length > 0));
  input.removeAttribute("aria-activedescendant");
  told.textContent = labels.length === 1 ? "1 label" : `${labels.length} labels`;
}

async function suggest() {
  const prefix = split()[1].trim();
  if (prefix === "") {
    close();
    return;
  }
  const turn = ++asked;
  if (!known.has(prefix)) {
    try {
      const answer = await fetch(`/api/suggest?limit=${MOST}&q=${encodeURIComponent(prefix)}`);
      if (!answer.ok) return;
      known.set(prefix, (await answer.json()).labels);
    } catch {
      return; // the form works all the same
    }
  }
  if (turn === asked && document.activeElement === input) show(known.get(prefix), prefix);
}

function onKey(event) {
  const open = !list.hidden;
  const last = list.children.length - 1;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    if (!open) {
      suggest();
      return;
    }
    const down = event.key === "ArrowDown";
    choose(down ? (chosen >= last ? -1 : chosen + 1) : chosen === -1 ? last : chosen - 1);
  } else if (event.key === "Enter" && open && chosen >= 0) {
    event.preventDefault();
    take(list.children[chosen]);
  } else if (event.key === "Escape" && open) {
    event.preventDefault();
    close();
  }
}

if (input) {
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-expanded", "false");
  input.setAttribute("aria-controls", "options");
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(suggest, PAUSE);
  });
  input.addEventListener("keydown", onKey);
  input.addEventListener("blur", () => setTimeout(close, 150));
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const item = event.target.closest("li");
    if (item) take(item);
  });
  form.addEventListener("submit", () => {
    close();
    // An address without what is not asked for.
    for (const field of form.elements) {
      if (field.name === "min" && Number(field.value) === 0) field.disabled = true;
    }
  });
}

const least = document.getElementById("min");
if (least) {
  least.addEventListener("input", () => {
    document.getElementById("least").value = `${Math.round(least.value * 100)}\u202f%`;
  });
  // A key moves it by one step, and a new page at each step would take the focus away: Enter submits.
  let pointed = false;
  least.addEventListener("pointerdown", () => { pointed = true; });
  least.addEventListener("keydown", () => { pointed = false; });
  least.addEventListener("change", () => { if (pointed) form.requestSubmit(); });
  form.elements.all?.addEventListener("change", () => form.requestSubmit());
}

// Coming back by the back button, a page may still have what was switched off, and fields that say
// otherwise than its address: they would be sent with the next question.
window.addEventListener("pageshow", (event) => {
  if (least) least.disabled = false;
  if (event.persisted) form?.reset();
});

// A picture that does not come leaves a quiet place, and is reported.
function broke(image) {
  image.parentElement.classList.add("broken");
  if (image.dataset.photo) {
    fetch(`/api/broken/${encodeURIComponent(image.dataset.photo)}`).catch(() => {});
  }
}
document.addEventListener("error", (event) => {
  if (event.target instanceof HTMLImageElement) broke(event.target);
}, true);
for (const image of document.images) {
  if (image.complete && image.naturalWidth === 0 && image.currentSrc) broke(image);
}
