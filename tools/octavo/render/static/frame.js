/* The frame around a page: chapters in the sidebar stay as they were left, drawers of narrow screens work by keyboard,
   and the button for light and dark says which it is. */
(function () {
  "use strict";

  function all(selector, inside) {
    return Array.prototype.slice.call((inside || document).querySelectorAll(selector));
  }

  /* what head.js reads on the next page */
  function remember(box) {
    try {
      var open = JSON.parse(localStorage.getItem("octavo-open")) || {};
      open[box.dataset.page] = box.checked ? 1 : 0;
      localStorage.setItem("octavo-open", JSON.stringify(open));
    } catch (error) { /* private windows may refuse */ }
  }

  /* the drawers: each is opened by a box that stands before everything else */
  var DRAWERS = { __navigation: ".sidebar-drawer", __toc: ".toc-drawer" };

  function isDrawer(box) {
    return getComputedStyle(document.querySelector(DRAWERS[box.id])).position === "fixed";
  }

  function opened(box) {
    var inside = all("a[href], input, select, button", document.querySelector(DRAWERS[box.id]));
    var first = inside.find(function (control) { return control.getClientRects().length; });
    if (first) { first.focus({ preventScroll: true }); }
  }

  function close(box, back) {
    if (!box || !box.checked) { return; }
    box.checked = false;
    if (back) { box.focus({ preventScroll: true }); }
  }

  function drawers() {
    return Object.keys(DRAWERS).map(function (id) { return document.getElementById(id); }).filter(Boolean);
  }

  document.addEventListener("change", function (event) {
    var box = event.target;
    if (box.classList.contains("toctree-checkbox")) { remember(box); }
    if (DRAWERS[box.id] && box.checked) { opened(box); }
  });

  document.addEventListener("keydown", function (event) {
    var box = event.target;
    if (event.key === "Escape" && !event.defaultPrevented) {
      drawers().forEach(function (drawer) { close(drawer, true); });
    }
    if (event.key === "Enter" && (DRAWERS[box.id] || (box.classList && box.classList.contains("toctree-checkbox")))) {
      event.preventDefault();
      box.click();
    }
  });

  /* who leaves a drawer has done with it */
  document.addEventListener("focusin", function (event) {
    drawers().forEach(function (box) {
      var drawer = document.querySelector(DRAWERS[box.id]);
      var own = event.target === box || (event.target.closest && event.target.closest("dialog, [role=dialog]"));
      if (box.checked && isDrawer(box) && !own && !drawer.contains(event.target)) { close(box, false); }
    });
  });

  /* a section of this page was chosen: it can be seen now */
  document.addEventListener("click", function (event) {
    var link = event.target.closest && event.target.closest(".toc-drawer a");
    if (link) { close(document.getElementById("__toc"), false); }
    if (event.target.closest && event.target.closest(".theme-toggle")) { setTimeout(sayColours); }
  });

  function sayColours() {
    all(".theme-toggle").forEach(function (button) {
      var words = button.dataset[document.body.dataset.theme || "auto"];
      if (words) {
        button.setAttribute("aria-label", words);
        button.title = words;
      }
    });
  }

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", sayColours);
  } else {
    sayColours();
  }
})();
