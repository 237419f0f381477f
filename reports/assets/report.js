// Draws the figures of a page from its data blocks, in the colours of the theme, with linked time axes. A click on a
// time axis is told to the page as the event "moment-chosen"; "moment-shown", which "moment-wanted" asks for, moves a line
// over all of them.
"use strict";

(function () {
  const STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
  const LABEL_PX = 84;
  const PAPER_PX = 680; // between the margins of a sheet
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
  let moment = null; // the last one that was shown: seconds and track

  // Where the time of a chart is drawn, px of its place.
  function areaOf(plot) {
    const { l, r, t, b } = plot.layout.margin;
    return { left: l, top: t, width: plot.clientWidth - l - r, height: plot.layout.height - t - b };
  }

  function tellMoment(event) {
    const plot = event.currentTarget;
    if (event.target.closest(".modebar")) return;
    const area = areaOf(plot);
    const box = plot.getBoundingClientRect();
    const share = (event.clientX - box.left - area.left) / area.width;
    if (share < -0.01 || share > 1.01) return;
    const [from, to] = plot.layout.xaxis.range;
    const lanes = plot.layout.meta.lanes || [];
    const row = (event.clientY - box.top - area.top) / rowOf(plot, area).height;
    const track = row >= 0 ? lanes[Math.floor(row)] : undefined;
    const seconds = from + Math.min(Math.max(share, 0), 1) * (to - from);
    document.dispatchEvent(new CustomEvent("moment-chosen", { detail: { seconds, track } }));
  }

  // The lane of a track: all lanes are equally high, and a tenth of one is left at the top.
  function rowOf(plot, area, track) {
    const [low, high] = plot.layout.yaxis.range;
    const height = area.height / (low - high);
    return { top: area.top + height * (0.1 + (plot.layout.meta.lanes || []).indexOf(track)), height };
  }

  function mark(plot, name) {
    const found = plot.querySelector(":scope > ." + name);
    if (found) return found;
    const made = document.createElement("div");
    made.className = name;
    plot.append(made);
    return made;
  }

  // Not a shape of Plotly's: moving one lays out the whole chart again, several times a second.
  function showMoment(plot) {
    if (!moment || !plot.layout.meta || !plot.layout.meta.time_axis) return;
    const area = areaOf(plot);
    const [from, to] = plot.layout.xaxis.range;
    const share = (moment.seconds - from) / (to - from);
    const line = mark(plot, "now").style;
    line.display = share >= 0 && share <= 1 ? "" : "none";
    line.left = area.left + share * area.width + "px";
    line.top = area.top - 4 + "px";
    line.height = area.height + 8 + "px";
    const row = rowOf(plot, area, moment.track);
    const lane = mark(plot, "lane").style;
    lane.display = (plot.layout.meta.lanes || []).includes(moment.track) ? "" : "none";
    lane.top = row.top + "px";
    lane.height = row.height + "px";
  }
  const roomOf = (place, layout) => place.clientWidth - layout.margin.l - layout.margin.r;
  const retick = (plot, range) => timeTicks(range, roomOf(plot, plot.layout));

  // A change as Plotly.relayout takes it, put into a layout that is not drawn yet.
  function put(layout, change) {
    for (const [path, value] of Object.entries(change)) {
      const keys = path.split(".");
      const last = keys.pop();
      keys.reduce((part, key) => (part[key] ??= {}), layout)[last] = value;
    }
  }

  function showTime(range) {
    following = true;
    const moves = timed().map((plot) =>
      Plotly.relayout(plot, { "xaxis.range": range.slice(), ...retick(plot, range) }));
    Promise.all(moves).finally(() => {
      following = false;
      timed().forEach(showMoment);
    });
  }

  function follow(change) {
    if (following) return;
    if ("xaxis.range[0]" in change) showTime([change["xaxis.range[0]"], change["xaxis.range[1]"]]);
    else if ("xaxis.range" in change) showTime(change["xaxis.range"]);
  }

  async function draw([place, figure]) {
    // A finger scrolls the page; only a mouse drags a zoom box.
    figure.layout.dragmode = matchMedia("(pointer: coarse)").matches ? false : "zoom";
    // All of it at once: a second look at a chart would take as long as the first.
    put(figure.layout, theme(figure.layout));
    if (figure.layout.meta) put(figure.layout, timeTicks(figure.layout.xaxis.range, roomOf(place, figure.layout)));
    const plot = await Plotly.newPlot(place, figure.data, figure.layout, CONFIG);
    plots.push(plot);
    if (!figure.layout.meta) return;
    plot.on("plotly_relayout", follow);
    if (figure.layout.meta.time_axis) plot.addEventListener("click", tellMoment);
    showMoment(plot);
  }

  // The figures of a page, those first that a person sees first. Each keeps its room until it is drawn.
  function figures() {
    const found = [...document.querySelectorAll("[data-figure]")].map((place) => {
      const figure = JSON.parse(document.getElementById(place.dataset.figure).textContent);
      place.style.minHeight = figure.layout.height + "px";
      return [place, figure];
    });
    const seen = ([place]) => place.getBoundingClientRect().top < innerHeight;
    return [...found.filter(seen), ...found.filter((one) => !seen(one))];
  }

  const themes = () => plots.map((plot) => Plotly.relayout(plot, theme(plot.layout)));

  async function drawAll() {
    document.addEventListener("moment-shown", (event) => {
      moment = event.detail;
      timed().forEach(showMoment);
    });
    document.dispatchEvent(new CustomEvent("moment-wanted"));
    for (const figure of figures()) {
      await draw(figure);
      await new Promise((next) => { setTimeout(next); }); // A click between two charts waits for one of them.
    }
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", themes);
    matchMedia("print").addEventListener("change", (print) => {
      for (const plot of plots) {
        const size = print.matches ? { width: Math.min(plot.clientWidth, PAPER_PX) } : { width: null, autosize: true };
        Plotly.relayout(plot, { ...theme(plot.layout), ...size });
      }
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
