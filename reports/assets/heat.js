// Heat maps of rows by hour of the day: a cell tells its figures, and a click filters the page to it.
"use strict";

(function () {
  const site = (window.emobatch = window.emobatch || {});
  const { words } = site;
  const maps = [];
  const tip = words.element("div", "tip");
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;

  const two = (hour) => String(hour).padStart(2, "0");
  const span = (hour) => `${two(hour)}:00 to ${two(hour + 1)}:00`;
  const many = (n, noun) => `${words.number(n)} ${noun}${n === 1 ? "" : "s"}`;

  // What a cell says, in lines.
  function facts(map, i, hour) {
    const { data, measure } = map;
    const n = data.tracks[i][hour];
    const recorded = data.recorded[i][hour];
    const lines = [`${data.names[i]}, ${span(hour)}`];
    if (!recorded && !n) return [...lines, "nothing recorded"];
    lines.push(`${many(n, "judged track")} in ${many(recorded, "minute")} of footage`);
    if (measure < 0) return lines;
    const share = data.shares[measure][i][hour];
    return [...lines, share < 0 ? `not enough data: at least ${data.least} tracks` : `${data.labels[measure]} ${share} %`];
  }

  function most(map) {
    const values = map.measure < 0 ? map.data.tracks : map.data.shares[map.measure];
    return Math.max(1, ...values.map((row) => Math.max(...row)));
  }

  function paint(map) {
    const { data, measure } = map;
    const top = most(map);
    map.cells.forEach((row, i) => row.forEach((cell, hour) => {
      const n = data.tracks[i][hour];
      const value = measure < 0 ? n : data.shares[measure][i][hour];
      const few = n > 0 && value < 0;
      cell.className = few ? "few" : value > 0 ? "some" : data.recorded[i][hour] ? "empty" : "none";
      // Counts are spread over powers of ten; their root keeps quiet hours apart.
      const depth = measure < 0 ? Math.sqrt(value / top) : value / top;
      cell.style.setProperty("--depth", value > 0 ? (0.12 + 0.88 * depth).toFixed(3) : "0");
      cell.setAttribute("aria-label", facts(map, i, hour).join("; "));
    }));
    const upTo = measure < 0 ? many(top, "track") : `${top} %`;
    const few = measure < 0 ? [] : [words.element("span", "key few"), `under ${data.least} tracks: not enough data`];
    map.scale.replaceChildren(words.element("span", "key ramp"), `up to ${upTo}`, ...few,
      words.element("span", "key empty"), "recorded, nobody judged", words.element("span", "key none"), "not recorded");
  }

  function place(cell) {
    const box = cell.getBoundingClientRect();
    const left = Math.min(Math.max(8, box.left + box.width / 2 - tip.offsetWidth / 2), innerWidth - tip.offsetWidth - 8);
    const above = box.top - tip.offsetHeight - 6;
    tip.style.left = `${left + scrollX}px`;
    tip.style.top = `${(above > 0 ? above : box.bottom + 6) + scrollY}px`;
  }

  function tell(map, cell) {
    tip.replaceChildren(...facts(map, Number(cell.dataset.row), Number(cell.dataset.hour))
      .map((line) => words.element("div", "", line)));
    tip.hidden = false;
    place(cell);
  }

  const untell = () => { tip.hidden = true; };

  // Arrow keys go from cell to cell; Tab enters and leaves a map in one step.
  function move(map, event) {
    const cell = event.target.closest("td");
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!cell) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      cell.click();
    } else if (event.key === "Escape") {
      untell();
    } else if (step) {
      event.preventDefault();
      const row = map.cells[Number(cell.dataset.row) + step[0]];
      const next = row && row[Number(cell.dataset.hour) + step[1]];
      if (!next) return;
      cell.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    }
  }

  function heading(map, i) {
    const link = words.element("a", "", words.outside(map.data.names[i]));
    const folder = map.key === "days" ? "days" : "cameras";
    link.href = `${site.root}/${folder}/${map.data.pages[i]}`;
    link.title = map.data.names[i];
    const made = words.element("th", "", link);
    made.scope = "row";
    return made;
  }

  function build(map) {
    const hours = [...Array(24).keys()];
    const head = words.element("tr", "", words.element("td", ""), ...hours.map((hour) => {
      const made = words.element("th", hour % 3 ? "minor" : "", hour % 3 ? "" : two(hour));
      made.scope = "col";
      if (hour % 3) made.setAttribute("aria-label", two(hour));
      return made;
    }));
    map.cells = map.data.names.map((_, i) => hours.map((hour) => {
      const cell = document.createElement("td");
      cell.dataset.row = i;
      cell.dataset.hour = hour;
      cell.tabIndex = i || hour ? -1 : 0;
      cell.setAttribute("role", "gridcell");
      return cell;
    }));
    const table = words.element("table", "grid", words.element("thead", "", head),
      words.element("tbody", "", ...map.cells.map((row, i) => words.element("tr", "", heading(map, i), ...row))));
    table.setAttribute("role", "grid");
    table.setAttribute("aria-label", map.title);
    return table;
  }

  function watch(map, table, change) {
    const cellOf = (event) => event.target.closest("td[data-hour]");
    table.addEventListener("pointerover", (event) => { if (cellOf(event)) tell(map, cellOf(event)); });
    table.addEventListener("pointerleave", untell);
    table.addEventListener("focusin", (event) => { if (cellOf(event)) tell(map, cellOf(event)); else untell(); });
    table.addEventListener("focusout", untell);
    table.addEventListener("keydown", (event) => move(map, event));
    table.addEventListener("click", (event) => {
      const cell = cellOf(event);
      if (cell) change(site.heat.filter(map, Number(cell.dataset.row), Number(cell.dataset.hour)));
    });
  }

  // What of the view a cell stands for; of the one that is chosen already, what lets go of it.
  function filter(map, i, hour) {
    const name = map.data.names[i];
    const chosen = isChosen(map, site.view, i, hour);
    const row = map.key === "days" ? { from: name, to: name } : { camera: name };
    if (chosen) for (const key of Object.keys(row)) row[key] = "";
    return { ...row, hour: chosen ? "" : String(hour), page: "1" };
  }

  function isChosen(map, view, i, hour) {
    const name = map.data.names[i];
    const row = map.key === "days" ? view.from === name && view.to === name : view.camera === name;
    return row && view.hour === String(hour);
  }

  function draw(view) {
    for (const map of maps) {
      const i = map.data.names.findIndex((_, k) => isChosen(map, view, k, Number(view.hour)));
      const cell = view.hour !== "" && i >= 0 ? map.cells[i][Number(view.hour)] : null;
      if (cell === map.chosen) continue;
      if (map.chosen) map.chosen.setAttribute("aria-selected", "false");
      if (cell) cell.setAttribute("aria-selected", "true");
      map.chosen = cell;
    }
  }

  function show(place, change) {
    const block = document.getElementById(place.dataset.heat);
    if (!block) return;
    const section = place.closest("section");
    const chooser = section.querySelector(".measure");
    const map = {
      key: place.dataset.key,
      title: section.querySelector("h2").textContent,
      data: JSON.parse(block.textContent),
      scale: section.querySelector(".heat-scale"),
      measure: -1,
      chosen: null,
    };
    const options = [["-1", "judged tracks"], ...map.data.labels.map((name, k) => [String(k), `share of ${name}`])];
    chooser.append(...options.map(([value, name]) => new Option(name, value)));
    chooser.addEventListener("change", () => { map.measure = Number(chooser.value); paint(map); });
    const table = build(map);
    place.append(table);
    if (map.data.n_all > map.data.names.length) {
      const kind = map.key === "days" ? "newest" : "busiest";
      place.append(words.element("p", "note", `The ${map.data.names.length} ${kind} of ${words.number(map.data.n_all)}.`));
    }
    watch(map, table, change);
    paint(map);
    section.hidden = false;
    maps.push(map);
  }

  function start(change) {
    document.body.append(tip);
    for (const place of document.querySelectorAll("[data-heat]")) show(place, change);
  }

  site.heat = { draw, filter, start };
})();
