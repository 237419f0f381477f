// The table of videos: a hundred rows at a time, sorted by a click on a heading. Whatever is a name stays text.
"use strict";

(function () {
  const site = (window.emobatch = window.emobatch || {});
  const { rows, clock } = site;
  const videos = rows.videos;
  const PAGE = 100;
  // Rows that are drawn before the next frame; the others follow once no key waits.
  const AT_ONCE = 24;
  const LATER_MS = 60;
  let later = 0;
  const originals = new Map(rows.copies); // of each copy, the video that has the page
  const MOST_SHOWN = 3;
  const table = document.querySelector("table.videos");
  const section = document.getElementById("videos");

  function element(name, className, ...content) {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.append(...content);
    return made;
  }

  const outside = (text) => element("bdi", "", text);
  const unknown = () => element("span", "unknown", "unknown");
  const number = (value) => value.toLocaleString("en-US");

  // A moment by the camera's clock, told in seconds since 1970 by the same clock.
  const moment = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ");

  function label(k) {
    const swatch = element("span", "swatch");
    swatch.style.background = rows.colours[k];
    return element("span", "shown", swatch, rows.labels[k]);
  }

  function page(k, fragment) {
    return `${site.root}/videos/${videos.id[k]}.html${fragment || ""}`;
  }

  function cell(name, className, ...content) {
    const made = element("td", className, ...content);
    if (name) made.dataset.label = name;
    return made;
  }

  function status(k) {
    const name = rows.statuses[videos.status[k]] || "other";
    return element("span", `status status-${name}`, name);
  }

  function shown(k) {
    const found = videos.shown[k];
    const parts = [];
    for (let i = 0; i < Math.min(found.length, 2 * MOST_SHOWN); i += 2) {
      const part = label(found[i]);
      if (found.length > 2 || found[i + 1] > 1) part.append(" " + number(found[i + 1]));
      parts.push(part, " ");
    }
    if (found.length > 2 * MOST_SHOWN) parts.push(element("small", "", `+${found.length / 2 - MOST_SHOWN}`));
    return parts;
  }

  function source(k) {
    const name = outside(videos.name[k]);
    let shownName = name;
    if (videos.page[k]) {
      shownName = element("a", "", name);
      shownName.href = page(k);
    }
    return cell("", "source", shownName, element("small", "folder", outside(rows.folders[videos.folder[k]] || "")));
  }

  function reason(k) {
    const parts = videos.note[k] < 0 ? [] : [outside(rows.notes[videos.note[k]])];
    if (originals.has(k)) {
      const link = element("a", "original", "its page");
      link.href = `${site.root}/videos/${originals.get(k)}.html`;
      parts.push(" (", link, ")");
    }
    return parts;
  }

  function row(k) {
    const begin = rows.begins[k];
    const coverage = videos.coverage[k];
    const duration = videos.duration[k];
    return element("tr", "",
      source(k),
      cell("Camera", "camera", videos.camera[k] < 0 ? unknown() : outside(rows.cameras[videos.camera[k]])),
      cell("Start", "time", begin === begin ? moment(begin) : unknown()),
      cell("Duration", "figure", duration < 0 ? unknown() : clock(Math.round(duration / 10))),
      cell("Coverage", "figure", coverage < 0 ? unknown() : `${coverage / 10} %`),
      cell("Status", "", status(k)),
      cell("Tracks", "figure", number(videos.tracks[k])),
      cell("Shown", "labels", ...shown(k)),
      cell("Reason", "reason", ...reason(k)));
  }

  function headings(view) {
    for (const heading of table.tHead.querySelectorAll("th")) {
      const key = heading.dataset.sort;
      const sorted = view.sort.replace("-", "") === key;
      if (sorted) heading.setAttribute("aria-sort", view.sort.startsWith("-") ? "descending" : "ascending");
      else heading.removeAttribute("aria-sort");
    }
  }

  function append(places) {
    table.tBodies[0].append(...places.map(row));
  }

  function list(places) {
    clearTimeout(later);
    // The page keeps its height meanwhile, and whoever looks at its end keeps their place.
    if (section.getAttribute("aria-busy") !== "true") section.style.minHeight = `${section.offsetHeight}px`;
    section.setAttribute("aria-busy", "true");
    table.tBodies[0].replaceChildren();
    append(places.slice(0, AT_ONCE));
    if (!places.length) {
      const nothing = cell("", "nothing", "No video fits.");
      nothing.colSpan = 9;
      table.tBodies[0].append(element("tr", "", nothing));
    }
    later = setTimeout(() => {
      append(places.slice(AT_ONCE));
      section.style.minHeight = "";
      section.setAttribute("aria-busy", "false");
    }, LATER_MS);
  }

  function draw(view, found) {
    if (!table) return;
    const last = Math.max(1, Math.ceil(found.length / PAGE));
    const current = Math.min(Number(view.page), last);
    const from = (current - 1) * PAGE;
    list(found.slice(from, from + PAGE));
    headings(view);
    section.querySelector(".count").textContent = found.length === rows.n && rows.n === rows.n_videos
      ? number(rows.n) : `${number(found.length)} of ${number(rows.n_videos)}`;
    const pager = section.querySelector(".pager");
    pager.hidden = found.length <= PAGE;
    pager.querySelector("span").textContent =
      `${number(from + 1)} to ${number(Math.min(from + PAGE, found.length))} of ${number(found.length)}`;
    pager.querySelector("[name=before]").disabled = current === 1;
    pager.querySelector("[name=after]").disabled = current === last;
  }

  // Make buttons of the headings; `change` takes what of the view becomes different.
  function start(change) {
    if (!table) return;
    for (const heading of table.tHead.querySelectorAll("th")) {
      const button = element("button", "", heading.textContent);
      button.type = "button";
      heading.replaceChildren(button);
      button.addEventListener("click", () => {
        const key = heading.dataset.sort;
        const falling = ["start", "duration", "tracks"].includes(key);
        const first = falling ? "-" + key : key;
        const second = falling ? key : "-" + key;
        change({ sort: site.view.sort === first ? second : first, page: "1" });
      });
    }
    const step = (by) => () => {
      change({ page: String(Number(site.view.page) + by) });
      section.scrollIntoView();
      table.parentElement.focus({ preventScroll: true });
    };
    section.querySelector("[name=before]").addEventListener("click", step(-1));
    section.querySelector("[name=after]").addEventListener("click", step(1));
  }

  site.words = { element, outside, unknown, label, number, clock, moment, cell, page };
  site.table = { draw, start };
})();
