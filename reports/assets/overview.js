// A page of many videos: what its filters say decides which videos and changes are listed.
"use strict";

(function () {
  const site = window.emobatch;
  const { rows, address, words } = site;
  const form = document.getElementById("filters");
  const field = (name) => form.elements.namedItem(name);
  // Time after the last letter in which typing is one step for Back.
  const TYPING_MS = 1500;
  let typed = -Infinity;

  function options(name, values) {
    const select = field(name);
    if (select) select.append(...values.map(([value, text]) => new Option(text, value)));
  }

  function fill() {
    const cameras = [...rows.cameras].sort((a, b) => a.localeCompare(b)).map((name) => [name, name]);
    if (rows.videos.camera.includes(-1)) cameras.push([rows.nobody, "unknown"]);
    const statuses = rows.statuses.filter((_, k) => rows.videos.status.includes(k));
    options("camera", cameras);
    options("hour", [...Array(24).keys()].map((h) => [String(h), `${String(h).padStart(2, "0")}:00`]));
    options("status", [...statuses.map((name) => [name, name]), ["problems", "failed or partial"]]);
    options("shown", rows.labels.map((name) => [name, name]));
  }

  function show() {
    const { view } = site;
    for (const key of Object.keys(address.nothing)) {
      const input = field(key);
      if (input && input.value !== view[key]) input.value = view[key];
    }
    const found = rows.videosOf(view, rows.ordered(view.sort));
    const changes = rows.changesOf(view);
    site.table.draw(view, found);
    site.moments.draw(changes);
    site.heat.draw(view);
    const filtered = Object.keys(address.nothing).some((key) =>
      !["sort", "page"].includes(key) && view[key] !== address.nothing[key]);
    form.classList.toggle("filtered", filtered);
    form.querySelector("output").textContent = filtered
      ? `${words.number(found.length)} of ${words.number(rows.n_videos)} videos, ${words.number(changes.length)} changes` : "";
  }

  // Show another view: what of it becomes different.
  function change(what, isTyped) {
    site.view = { ...site.view, ...what };
    const now = performance.now();
    address.write(site.view, !isTyped || now - typed > TYPING_MS);
    typed = isTyped ? now : -Infinity;
    show();
  }

  function follow() {
    const view = address.read();
    if (!view) return;
    site.view = view;
    show();
  }

  // A link to a view of this page leads to the table that it fills.
  function toTable(event) {
    const link = event.target.closest("a[href^='#']");
    if (link && link.getAttribute("href").includes("=")) requestAnimationFrame(() => form.scrollIntoView());
  }

  function shortcut(event) {
    const typing = event.target.closest && event.target.closest("input, select, textarea");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    field("q").focus();
    field("q").select();
  }

  site.root = document.body.dataset.root;
  site.change = change;
  site.view = address.read() || { ...address.nothing };
  fill();
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    if (event.target.name === "q") change({ q: field("q").value, page: "1" }, true);
  });
  form.addEventListener("change", (event) => {
    if (event.target.name !== "q") change({ [event.target.name]: event.target.value, page: "1" });
  });
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    change({ ...address.nothing, sort: site.view.sort });
  });
  document.addEventListener("keydown", shortcut);
  document.addEventListener("click", toTable);
  addEventListener("popstate", follow);
  site.table.start(change);
  site.moments.start();
  site.heat.start(change);
  show();
  document.documentElement.dataset.listed = String(rows.n);
})();
