// The day as lanes: a click on a colour opens the video there, one on a recording shows its camera in the table.
"use strict";

(function () {
  const site = window.emobatch;
  const place = document.querySelector("[data-figure=figure-strips]");
  const LINK = /^[0-9a-f]{16}\.html#t=\d+\.\d\d&track=\d+$/;
  if (!place) return;

  function open(event) {
    const [point] = event.points;
    const found = point.data.type === "heatmap" ? point.data.customdata[point.pointNumber[0]][point.pointNumber[1]] : "";
    if (LINK.test(found)) location.href = `${site.root}/videos/${found}`;
    else if (Array.isArray(point.data.meta)) site.change({ camera: point.data.meta[point.pointNumber] || "", page: "1" });
  }

  const root = document.documentElement;
  const ready = () => {
    if (!root.dataset.drawn) return false;
    place.on("plotly_click", open);
    return true;
  };
  if (!ready()) {
    const watcher = new MutationObserver(() => { if (ready()) watcher.disconnect(); });
    watcher.observe(root, { attributes: true, attributeFilter: ["data-drawn"] });
  }
})();
