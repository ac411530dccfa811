/* Previews: what a link leads to, beside the link, for those who stop at it with a mouse or come to it by keyboard.
   Who taps follows the link. A preview stays as long as link or preview is pointed at, and Escape closes it. */
(function () {
  "use strict";
  var WAIT = 200, LINGER = 250;
  var pages = {}, waiting = {};
  var box, link, wanted, timer;

  /* each page's file calls this with what it has */
  window.octavoPreviews = function (page, pieces) {
    pages[page] = pieces;
    if (waiting[page]) { waiting[page].forEach(function (ready) { ready(pieces); }); }
    delete waiting[page];
  };

  function base() {
    return new URL(document.documentElement.dataset.content_root || "./", location.href).href.split(/[?#]/)[0];
  }

  /* page and anchor of a link to somewhere in this book, or nothing */
  function target(anchor) {
    var url, rest, name;
    try {
      url = new URL(anchor.href);
      name = decodeURIComponent(url.hash.slice(1));
      rest = decodeURI((url.origin === "null" ? "file://" : url.origin) + url.pathname);
    } catch (error) { return null; }
    var start = decodeURI(base());
    if (!name || rest.indexOf(start) !== 0) { return null; }
    rest = rest.slice(start.length).replace(/(^|\/)$/, "$1index").replace(/\.html$/, "");
    return { page: rest, name: name, base: url.href.split("#")[0] };
  }

  function load(page, ready) {
    if (pages[page]) { ready(pages[page]); return; }
    if (waiting[page]) { waiting[page].push(ready); return; }
    waiting[page] = [ready];
    var script = document.createElement("script");
    script.src = base() + "_previews/" + page.split("/").map(encodeURIComponent).join("/") + ".js";
    script.onerror = function () { window.octavoPreviews(page, {}); };
    document.head.appendChild(script);
  }

  function has(pieces, name) { return Object.prototype.hasOwnProperty.call(pieces, name); }

  function close() {
    clearTimeout(timer);
    wanted = null;
    if (!box) { return; }
    box.remove();
    link.removeAttribute("aria-describedby");
    box = link = null;
  }

  function later(action, time) {
    clearTimeout(timer);
    timer = setTimeout(action, time);
  }

  function want(anchor, point) {
    if (anchor === link) { clearTimeout(timer); return; }
    var where = target(anchor);
    if (!where) { return; }
    wanted = anchor;
    later(function () {
      load(where.page, function (pieces) {
        if (wanted === anchor && has(pieces, where.name)) { show(anchor, pieces[where.name], where.base, point); }
      });
    }, WAIT);
  }

  /* the HTML is the build's own, cut from the page that the link leads to */
  function show(anchor, html, address, point) {
    close();
    var template = document.createElement("template");
    template.innerHTML = html;
    Array.prototype.forEach.call(template.content.querySelectorAll("[src]"), function (part) {
      part.setAttribute("src", new URL(part.getAttribute("src"), address).href);
      part.removeAttribute("loading");
    });
    wanted = link = anchor;
    box = document.createElement("div");
    box.className = "ov-preview";
    box.id = "ov-preview";
    box.setAttribute("role", "tooltip");
    box.appendChild(template.content);
    var article = anchor.closest("article");
    box.style.maxWidth = "min(36rem, " + article.clientWidth + "px)";
    article.appendChild(box);
    anchor.setAttribute("aria-describedby", "ov-preview");
    fit();
    place(point);
    Array.prototype.forEach.call(box.querySelectorAll("img"), function (picture) {
      picture.addEventListener("load", function () { if (box && box.contains(picture)) { place(point); } });
    });
  }

  /* a wide formula is set smaller */
  function fit() {
    var body = box.querySelector(".ov-eq-body");
    if (body && body.scrollWidth > body.clientWidth) {
      body.style.fontSize = Math.max(0.65, body.clientWidth / body.scrollWidth * 0.98) + "em";
    }
  }

  /* below the line of the link that was pointed at, or above it where there is more room */
  function place(point) {
    var rows = link.getClientRects(), row = rows[0];
    for (var i = 0; point && i < rows.length; i++) {
      if (rows[i].top <= point.y + 2 && rows[i].bottom >= point.y - 2) { row = rows[i]; }
    }
    if (!row) { close(); return; }
    var around = (box.offsetParent || document.body).getBoundingClientRect();
    box.classList.toggle("ov-more", box.scrollHeight > box.clientHeight + 1);
    var height = box.offsetHeight, high = window.innerHeight, text = link.closest("article").getBoundingClientRect();
    var above = row.bottom + height + 12 > high && row.top > high - row.bottom;
    var left = Math.max(text.left, Math.min(row.left, text.right - box.offsetWidth));
    box.style.left = left - around.left + "px";
    box.style.top = (above ? row.top - height - 6 : row.bottom + 6) - around.top + "px";
  }

  function linkAt(element) {
    var found = element && element.closest ? element.closest("article a[href*='#']") : null;
    return found && !found.classList.contains("headerlink") ? found : null;
  }

  document.addEventListener("pointerover", function (event) {
    if (event.pointerType !== "mouse") { return; }
    if (box && box.contains(event.target)) { clearTimeout(timer); return; }
    var found = linkAt(event.target);
    if (found) { want(found, { y: event.clientY }); }
  });

  document.addEventListener("pointerout", function (event) {
    if (event.pointerType !== "mouse") { return; }
    var from = linkAt(event.target), to = event.relatedTarget;
    var left = from && !from.contains(to) || box && box.contains(event.target) && !box.contains(to);
    if (left && !(box && box.contains(to)) && document.activeElement !== link) {
      wanted = null;
      later(close, LINGER);
    } else if (left && from && from !== link) {
      wanted = null;
      clearTimeout(timer);
    }
  });

  document.addEventListener("focusin", function (event) {
    var found = linkAt(event.target);
    if (found && found.matches(":focus-visible")) { want(found, null); }
  });

  document.addEventListener("focusout", function (event) {
    if (linkAt(event.target)) { close(); }
  });

  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape" || !(box || wanted)) { return; }
    if (box) { event.stopPropagation(); }
    close();
  }, true);

  document.addEventListener("click", function (event) {
    if (linkAt(event.target)) { close(); }
  });

  window.addEventListener("pagehide", close);
  document.addEventListener("octavo:tab", close);
})();
