// Draws the figures of a page from its data blocks, in the colours of the theme, with linked time axes.
"use strict";

(function () {
  const STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
  const LABEL_PX = 84;
  const CONFIG = {
    displaylogo: false,
    doubleClick: "reset",
    modeBarButtonsToRemove: ["toImage", "select2d", "lasso2d", "autoScale2d"],
    responsive: true,
  };

  function clock(seconds, step) {
    const tenths = Math.round(seconds * 10);
    const whole = Math.floor(tenths / 10);
    const two = (n) => String(n).padStart(2, "0");
    const hours = Math.floor(whole / 3600);
    const minutes = Math.floor(whole / 60) % 60;
    const text = (hours ? hours + ":" + two(minutes) : String(minutes)) + ":" + two(whole % 60);
    return step < 1 ? text + "." + (tenths % 10) : text;
  }

  // The ticks of a time axis between two seconds, as many as find room.
  function timeTicks(range, widthPx) {
    const most = Math.max(2, widthPx / LABEL_PX);
    const length = range[1] - range[0];
    const step = STEPS_S.find((s) => length / s <= most) || Math.ceil(length / most / 86400) * 86400;
    const values = [];
    for (let k = Math.ceil(Math.max(0, range[0]) / step); k * step <= range[1]; k += 1) values.push(k * step);
    return { "xaxis.tickvals": values, "xaxis.ticktext": values.map((s) => clock(s, step)) };
  }

  function theme(layout) {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const change = {
      "font.color": colour("--ink"),
      "hoverlabel.bgcolor": colour("--card"),
      "hoverlabel.bordercolor": colour("--rule"),
      "hoverlabel.font.color": colour("--ink"),
      "modebar.bgcolor": "rgba(0,0,0,0)",
      "modebar.color": colour("--quiet"),
      "modebar.activecolor": colour("--ink"),
    };
    for (const axis of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) {
      change[axis + ".gridcolor"] = colour("--rule");
    }
    return change;
  }

  const plots = [];
  let following = false;

  const timed = () => plots.filter((plot) => plot.layout.meta && plot.layout.meta.time_axis);
  const retick = (plot, range) => timeTicks(range, plot.clientWidth - plot.layout.margin.l - plot.layout.margin.r);

  function showTime(range) {
    following = true;
    const moves = timed().map((plot) =>
      Plotly.relayout(plot, { "xaxis.range": range.slice(), ...retick(plot, range) }));
    Promise.all(moves).finally(() => { following = false; });
  }

  function follow(change) {
    if (following) return;
    if ("xaxis.range[0]" in change) showTime([change["xaxis.range[0]"], change["xaxis.range[1]"]]);
    else if ("xaxis.range" in change) showTime(change["xaxis.range"]);
  }

  async function draw(place) {
    const figure = JSON.parse(document.getElementById(place.dataset.figure).textContent);
    // A finger scrolls the page; only a mouse drags a zoom box.
    figure.layout.dragmode = matchMedia("(pointer: coarse)").matches ? false : "zoom";
    const plot = await Plotly.newPlot(place, figure.data, figure.layout, CONFIG);
    const ticks = figure.layout.meta ? retick(plot, figure.layout.xaxis.range) : {};
    await Plotly.relayout(plot, { ...theme(figure.layout), ...ticks });
    plots.push(plot);
    if (figure.layout.meta) plot.on("plotly_relayout", follow);
  }

  async function drawAll() {
    for (const place of document.querySelectorAll("[data-figure]")) await draw(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      for (const plot of plots) Plotly.relayout(plot, theme(plot.layout));
    });
    let settled = 0;
    addEventListener("resize", () => {
      clearTimeout(settled);
      settled = setTimeout(() => { if (timed().length) showTime(timed()[0].layout.xaxis.range); }, 200);
    });
    document.documentElement.dataset.drawn = String(plots.length);
  }

  drawAll();
})();
