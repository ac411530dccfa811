/* Stands in the head of each page, before the style sheet: what has to be so when the page is painted first. Nothing in
   the body may be a script that runs at once, since such a one waits for the style sheet, and all text behind it too. */
(function (d) {
  "use strict";
  var root = d.documentElement, done = false;

  /* what scripts show has its room from the beginning */
  root.classList.remove("no-js");

  /* who comes to the beginning of a page need not wait until all that stands below the screen has its place: until the
     page has loaded, sections have it when they come near (frame.css), and then one after the other, as time permits.
     Who comes back, or to something within the page, is shown a page of its true length at once */
  function whenIdle(then) {
    if (window.requestIdleCallback) { requestIdleCallback(then); } else { setTimeout(then, 50); }
  }
  function settle() {
    var section = d.querySelector("article > section > section:not(.ov-settled)");
    if (section) {
      section.classList.add("ov-settled");
      whenIdle(settle);
    } else {
      root.classList.remove("ov-unsettled");
    }
  }
  try {
    if (!location.hash && performance.getEntriesByType("navigation")[0].type === "navigate") {
      root.classList.add("ov-unsettled");
      window.addEventListener("load", function () { whenIdle(settle); });
    }
  } catch (error) { /* an old browser */ }

  /* the theme keeps light and dark at the body, which is not there yet */
  new MutationObserver(function (changes, observer) {
    if (!d.body) { return; }
    observer.disconnect();
    var mode = null;
    try { mode = localStorage.getItem("theme"); } catch (error) { /* private windows may refuse */ }
    d.body.dataset.theme = mode === "light" || mode === "dark" ? mode : "auto";
  }).observe(root, { childList: true });

  /* chapters are as the reader left them: one that was closed opens for who comes to it from another, and stays closed
     for who reads on in it; and this page is in view */
  function openChapters(tree) {
    var kept = null, scroll = tree.closest(".sidebar-scroll");
    var chapter = tree.querySelector(":scope > ul > li.current > input"), here = tree.querySelector(".current-page > a");
    try { kept = JSON.parse(localStorage.getItem("octavo-open")); } catch (error) { /* as above, or not ours */ }
    kept = Object(kept);
    chapter = chapter ? chapter.dataset.page : "";
    tree.querySelectorAll("input").forEach(function (box) {
      var open = kept[box.dataset.page];
      if (open === 1 || (open === 0 && (kept[""] === chapter || !box.checked))) { box.checked = open === 1; }
    });
    try {
      if (kept[""] !== chapter) {
        kept[""] = chapter;
        localStorage.setItem("octavo-open", JSON.stringify(kept));
      }
    } catch (error) { /* as above */ }
    /* frame.css does this where browsers know how: after a script has scrolled they measure no largest paint any more */
    if (here && !CSS.supports("scroll-initial-target", "nearest")) {
      var at = here.getBoundingClientRect(), box = scroll.getBoundingClientRect();
      if (at.top < box.top || at.bottom > box.bottom) { scroll.scrollTop += at.top - box.top - box.height / 3; }
    }
  }

  /* just before something is painted, as soon as the whole sidebar is there */
  function beforePaint() {
    var tree = d.querySelector(".sidebar-tree");
    if (done) { return; }
    if (tree && d.querySelector(".main")) {
      done = true;
      openChapters(tree);
    } else if (d.readyState === "loading") {
      requestAnimationFrame(beforePaint);
    }
  }
  requestAnimationFrame(beforePaint);
  d.addEventListener("DOMContentLoaded", beforePaint);
})(document);
