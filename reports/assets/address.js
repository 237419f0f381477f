// What a page shows, in the fragment of its address: a view can be sent to someone, and Back works.
"use strict";

(function () {
  const site = (window.emobatch = window.emobatch || {});
  const NOTHING = { q: "", camera: "", from: "", to: "", hour: "", status: "", shown: "", sort: "-start", page: "1" };
  const DATE = /^\d{4}-\d\d-\d\d$/;

  // The fragment may come from anybody: whatever is no view becomes the whole.
  function cleaned(view) {
    const { rows } = site;
    const column = view.sort.replace("-", "");
    return {
      ...view,
      q: view.q.slice(0, 200),
      from: DATE.test(view.from) ? view.from : "",
      to: DATE.test(view.to) ? view.to : "",
      hour: /^\d{1,2}$/.test(view.hour) && Number(view.hour) < 24 ? String(Number(view.hour)) : "",
      status: [...rows.statuses, "problems"].includes(view.status) ? view.status : "",
      shown: rows.labels.includes(view.shown) ? view.shown : "",
      sort: rows.columns.includes(column) ? view.sort : NOTHING.sort,
      page: /^[1-9]\d{0,4}$/.test(view.page) ? view.page : "1",
    };
  }

  // The view that the address names; null where its fragment is the name of a place in the page.
  function read() {
    const fragment = location.hash.slice(1);
    if (fragment && !fragment.includes("=")) return null;
    const told = new URLSearchParams(fragment);
    const view = { ...NOTHING };
    for (const key of Object.keys(view)) if (told.has(key)) view[key] = told.get(key);
    return cleaned(view);
  }

  // Name a view in the address. What is typed letter by letter makes one step for Back, not one a letter.
  function write(view, isNewStep) {
    const told = new URLSearchParams();
    for (const key of Object.keys(NOTHING)) if (view[key] !== NOTHING[key]) told.set(key, view[key]);
    const fragment = "#" + told;
    const address = fragment === "#" ? location.href.split("#")[0] : fragment;
    if (isNewStep) history.pushState(null, "", address);
    else history.replaceState(null, "", address);
  }

  site.address = { nothing: NOTHING, read, write };
})();
