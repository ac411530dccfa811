/* Framework tabs: one choice for the whole site. The head of each page has set <html data-tab> before the first paint,
   and style sheets show panels by it; this keeps the controls in step, remembers the choice, and keeps the reader's
   line where it was on the screen. */
(function () {
  "use strict";
  var root = document.documentElement;
  var KEY = "octavo-tab";
  var resized;

  function all(selector, inside) {
    return Array.prototype.slice.call((inside || document).querySelectorAll(selector));
  }

  function remember(tab) {
    try { localStorage.setItem(KEY, tab); } catch (error) { /* private windows may refuse */ }
  }

  /* other books of this host remember frameworks of their own under the same name */
  function isKnown(tab) {
    return !!tab && (root.dataset.frameworks || "").split(" ").indexOf(tab) >= 0;
  }

  /* an address that names a framework names the one on view; a choice of the reader's is put into it */
  function keepAddress(always) {
    try {
      var address = new URL(location.href), named = address.searchParams.get("tab");
      if (named === root.dataset.tab || (named === null && !always)) { return; }
      address.searchParams.set("tab", root.dataset.tab);
      history.replaceState(history.state, "", address);
    } catch (error) { /* some browsers refuse for file: addresses */ }
  }

  /* which panel of a set is on view: the chosen framework's, else the first */
  function shownIn(set) {
    var names = set.dataset.tabs.split(" ");
    return names.indexOf(root.dataset.tab) < 0 ? names[0] : root.dataset.tab;
  }

  function update() {
    all(".ov-set").forEach(function (set) {
      var shown = shownIn(set);
      all(":scope > .ov-bar > .ov-tab", set).forEach(function (button) {
        var on = button.dataset.tab === shown;
        button.setAttribute("aria-selected", on ? "true" : "false");
        button.tabIndex = on ? 0 : -1;
      });
    });
    all(".ov-select").forEach(function (select) { select.value = root.dataset.tab; });
  }

  /* the first thing on the screen that stays there whichever framework is chosen */
  function readersPlace() {
    var blocks = all("article section > *, .ov-set");
    for (var i = 0; i < blocks.length; i++) {
      if (blocks[i].tagName === "SECTION" || blocks[i].closest(".ov-panel")) { continue; }
      var box = blocks[i].getBoundingClientRect();
      if (box.bottom > 60 && box.height) { return blocks[i]; }
    }
    return null;
  }

  function choose(tab, place) {
    if (!isKnown(tab) || tab === root.dataset.tab) { return; }
    place = place || readersPlace();
    var before = place && place.getBoundingClientRect().top;
    root.dataset.tab = tab;
    update();
    if (place) {
      var moved = place.getBoundingClientRect().top - before;
      if (moved) { window.scrollBy({ top: moved, left: 0, behavior: "instant" }); }
    }
    keepAddress(false);
    focusable();
    document.dispatchEvent(new CustomEvent("octavo:tab", { detail: tab }));
  }

  function chosenByReader(tab, place) {
    choose(tab, place);
    remember(root.dataset.tab);
    keepAddress(true);
  }

  /* measuring takes a while on a long page: not before the reader has it */
  function whenIdle(then) {
    if (window.requestIdleCallback) { requestIdleCallback(then, { timeout: 1000 }); } else { setTimeout(then, 200); }
  }

  /* what scrolls inside itself can be reached by keyboard */
  function focusable() {
    all(".ov-output, article pre, .ov-eq-body, .table-wrapper").forEach(function (box) {
      var scrolls = /auto|scroll/.test(getComputedStyle(box).overflow) &&
        (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight + 1);
      if (scrolls) { box.tabIndex = 0; } else { box.removeAttribute("tabindex"); }
    });
  }

  /* an address may name something inside another framework's panel */
  function openTarget() {
    var id = location.hash.slice(1);
    try { id = decodeURIComponent(id); } catch (error) { /* a stray percent sign */ }
    var target = id && document.getElementById(id);
    var panel = target && target.closest(".ov-panel");
    if (panel && panel.dataset.tab !== shownIn(panel.parentElement)) {
      choose(panel.dataset.tab, target);
      target.scrollIntoView();
    }
  }

  document.addEventListener("click", function (event) {
    if (!event.target.closest) { return; }
    var button = event.target.closest(".ov-tab");
    if (button) { chosenByReader(button.dataset.tab, button); }
    /* following the address that is open already is no change of it */
    var link = event.target.closest("a[href*='#']");
    if (link && link.hash === location.hash) { setTimeout(openTarget); }
  });

  document.addEventListener("keydown", function (event) {
    var button = event.target.closest && event.target.closest(".ov-tab");
    if (!button || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) { return; }
    var buttons = all(".ov-tab", button.parentElement);
    var at = buttons.indexOf(button);
    var to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined) { return; }
    event.preventDefault();
    var next = buttons[(to + buttons.length) % buttons.length];
    chosenByReader(next.dataset.tab, next);
    next.focus({ preventScroll: true });
  });

  document.addEventListener("change", function (event) {
    if (event.target.classList.contains("ov-select")) { chosenByReader(event.target.value); }
  });

  window.addEventListener("storage", function (event) {
    if (event.key === KEY) { choose(event.newValue); }
  });

  window.addEventListener("pageshow", function (event) {
    var kept = null;
    if (!event.persisted) { return; }
    try { kept = localStorage.getItem(KEY); } catch (error) { /* as above */ }
    choose(kept);
  });

  window.addEventListener("hashchange", openTarget);

  function start() {
    if (root.dataset.tab) {
      if (new URLSearchParams(location.search).get("tab") === root.dataset.tab) { remember(root.dataset.tab); }
      update();
      keepAddress(false);
      openTarget();
    }
    whenIdle(focusable);
    window.addEventListener("resize", function () {
      clearTimeout(resized);
      resized = setTimeout(focusable, 200);
    });
  }

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", start);
  } else {
    start();
  }
})();
