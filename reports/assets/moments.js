// The list of changes of expression, the strongest first; each leads to its second in the video.
"use strict";

(function () {
  const site = (window.emobatch = window.emobatch || {});
  const { rows, words } = site;
  const videos = rows.videos;
  const FEW = 10;
  const MORE = 50;
  const section = document.getElementById("changes");
  const table = section && section.querySelector("table");
  let most = FEW;
  let current = [];

  const seconds = (value) => `${value.toFixed(1)} s`;

  function row(change) {
    const [k, track, at, moment, before, after, beforeS, afterS, sure] = change;
    const when = moment < 0 ? `at ${words.clock(Math.floor(at))}` : words.moment(moment);
    let link = document.createTextNode(when);
    if (videos.page[k]) {
      link = words.element("a", "", when);
      link.href = words.page(k, `#t=${at.toFixed(2)}&track=${track}`);
    }
    const camera = videos.camera[k] < 0 ? words.unknown() : words.outside(rows.cameras[videos.camera[k]]);
    const where = words.cell("Camera", "camera", camera, " ", words.element("small", "", `track ${track}`));
    if (moment < 0) where.append(" ", words.element("small", "file", words.outside(videos.name[k])));
    return words.element("tr", "",
      words.cell("When", "time", link),
      where,
      words.cell("Change", "change", words.label(before), " → ", words.label(after)),
      words.cell("Lasting", "lasting", `${seconds(beforeS)} → ${seconds(afterS)}`),
      words.cell("Sure", "figure", `${sure} %`));
  }

  function list() {
    const body = document.createDocumentFragment();
    for (const change of current.slice(0, most)) body.append(row(change));
    if (!current.length) {
      const nothing = words.cell("", "nothing", "No change of expression fits.");
      nothing.colSpan = 5;
      body.append(words.element("tr", "", nothing));
    }
    table.tBodies[0].replaceChildren(body);
    section.querySelector(".more").hidden = current.length <= most;
    const told = current.length === rows.changes.length && rows.n_changes === rows.changes.length;
    section.querySelector(".count").textContent =
      told ? words.number(current.length) : `${words.number(current.length)} of ${words.number(rows.n_changes)}`;
  }

  function draw(found) {
    if (!table) return;
    current = found;
    most = FEW;
    list();
  }

  function start() {
    if (!table) return;
    section.querySelector(".more button").addEventListener("click", () => {
      const first = most;
      most += MORE;
      list();
      const link = table.tBodies[0].rows[first] && table.tBodies[0].rows[first].querySelector("a");
      if (link) link.focus({ preventScroll: true });
    });
  }

  site.moments = { draw, start };
})();
