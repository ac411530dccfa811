/* Search. What octavo/render/beside/search wrote beside the pages is loaded by script elements when somebody looks for
   something, so that it works from files too: first the list of pages, then the pieces of the index that the query
   needs, then the text of the results on view. Words are cut as search/terms.py cuts them. */
(function () {
  "use strict";
  var template = document.getElementById("ov-search");
  if (!template || !window.Promise || !window.HTMLDialogElement) { return; }
  var root = document.documentElement;
  var base = template.dataset.root, say = JSON.parse(template.dataset.words);
  var STEP = 10;        /* results that are shown at once */
  var TRIED = 40;       /* results whose text is looked at for what has to stand together */
  var SHARDS = 8;       /* pieces of the index for all words that begin alike */
  var AROUND = 190;     /* characters of an excerpt */
  var DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
  var WORD = /[\p{L}\p{N}_]+(?:\.[\p{L}_][\p{L}\p{N}_]*)*/gu;
  var BROKEN = /([\u3005\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\u{20000}-\u{3ffff}]+)/u;
  var HUMP = /[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+/g;
  var PLAIN = { "đ": "d", "ł": "l", "ø": "o", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h" };
  var book, every, stop, units = 0;

  /* -- data */

  var came = {}, asked = {};
  window.octavoSearch = {
    index: function (value) { came.index = value; },
    terms: function (at, text) { came["terms-" + at] = text; },
    text: function (name, list) { came["text/" + name] = list; },
    long: function (text) { came.long = text; }
  };

  function load(name) {
    return asked[name] || (asked[name] = new Promise(function (resolve, reject) {
      var script = document.createElement("script");
      script.src = base + "search/" + name.split("/").map(encodeURIComponent).join("/") + ".js" + (book ? "?v=" + book.version : "");
      script.onload = function () { script.remove(); if (name in came) { resolve(came[name]); } else { reject(new Error(name)); } };
      script.onerror = function () { script.remove(); delete asked[name]; reject(new Error(name)); };
      document.head.appendChild(script);
    }));
  }

  function ready() {
    return load("index").then(function (index) {
      if (book) { return; }
      book = index;
      every = Math.pow(2, book.tabs.length) - 1 || 1;
      stop = new Set(book.stop.split(" "));
      book.pages.forEach(function (page) {
        /* its first unit among those of the book, and its title without the number */
        page.push(units, normal(page[1]).replace(/^[\d.]+\s+/, ""));
        units += page[2];
      });
    });
  }

  function lines(at) {
    return load("terms-" + at).then(function (text) {
      var key = "lines-" + at;
      return came[key] || (came[key] = text.split("\n"));
    });
  }

  /* the lines of the terms from one up to another, in order */
  function between(from, to) {
    var first = 0, last = -1;
    book.shards.forEach(function (term, at) {
      if (term <= from) { first = at; }
      if (term <= to) { last = at; }
    });
    var wanted = [];
    for (var at = first; at <= last && wanted.length < SHARDS; at++) { wanted.push(lines(at)); }
    return Promise.all(wanted).then(function (shards) {
      var found = [];
      shards.forEach(function (shard) {
        var low = 0, high = shard.length;
        while (low < high) {
          var middle = (low + high) >> 1;
          if (termOf(shard[middle]) < from) { low = middle + 1; } else { high = middle; }
        }
        for (; low < shard.length && termOf(shard[low]) <= to; low++) { found.push(shard[low]); }
      });
      return found;
    });
  }

  function termOf(line) { return line.slice(0, line.indexOf(" ")); }

  /* each unit of the book that a line names, with its weight and the frameworks that see it */
  function places(line, tell) {
    var at = line.indexOf(" ") + 1, page = 0, unit = 0, value;
    function number() {
      var total = 0, digit;
      do { digit = DIGITS.indexOf(line[at++]); total = total * 32 + (digit & 31); } while (digit & 32);
      return total;
    }
    while (at < line.length) {
      page += number();
      unit = book.pages[page - 1][4];
      while (at < line.length && line[at] !== ",") {
        unit += number();
        value = DIGITS.indexOf(line[at++]);
        tell(unit, 24 * Math.pow((value & 31) / 31, 2), value & 32 ? number() : every);
      }
      at++;
    }
  }

  function pageOf(unit) {
    var low = 0, high = book.pages.length - 1;
    while (low < high) {
      var middle = (low + high + 1) >> 1;
      if (book.pages[middle][4] <= unit) { low = middle; } else { high = middle - 1; }
    }
    return book.pages[low];
  }

  /* -- words */

  function normal(text) { return text.normalize("NFKC").toLowerCase().replace(/ß/g, "ss"); }

  function folded(term) {
    return term.normalize("NFD").replace(/[\u0300-\u036f]/g, "").normalize("NFC")
      .replace(/[đłøæœıħ]/g, function (letter) { return PLAIN[letter]; });
  }

  function stem(term) {
    for (var i = 0; i < book.endings.length; i++) {
      var rest = term.length - book.endings[i].length;
      if (rest >= 4 && term.endsWith(book.endings[i])) { return term.slice(0, rest); }
    }
    return term;
  }

  /* what a reader typed → what has to be found: words (the last one may go on), and runs of characters */
  function parse(text) {
    text = text.normalize("NFKC");
    var needs = [], open = /[\p{L}\p{N}_.]$/u.test(text);
    var found = text.match(WORD) || [];
    found.forEach(function (word, at) {
      var last = open && at === found.length - 1;
      if (word.indexOf(".") > 0 && !BROKEN.test(word)) { needs.push({ term: normal(word), last: last, word: word }); return; }
      word.split(".").forEach(function (part) {
        part.split(BROKEN).forEach(function (piece, index) {
          if (!piece) { return; }
          if (index % 2) { needs.push({ run: normal(piece) }); return; }
          var term = normal(piece);
          if (term.length === 1 && term < "\u0080") { return; }
          if (!stop.has(term) || last) { needs.push({ term: term, last: last, word: piece, weak: stop.has(term) }); }
        });
      });
    });
    return needs;
  }

  /* -- finding */

  /* need → map of unit → [weight, frameworks], by the best of the terms that answer it */
  function answer(need) {
    return (need.run ? runs(need) : word(need)).then(function (found) {
      need.idf = Math.log(1 + (units - found.size + 0.5) / (found.size + 0.5));
      return found;
    });
  }

  function gather(found, those, quality) {
    those.forEach(function (line) {
      var worth = quality(termOf(line));
      if (!worth) { return; }
      places(line, function (unit, weight, tabs) {
        var before = found.get(unit);
        if (!before) { found.set(unit, [weight * worth, tabs]); return; }
        before[0] = Math.max(before[0], weight * worth) + Math.min(before[0], weight * worth) * 0.1;
        before[1] |= tabs;
      });
    });
    return found;
  }

  function word(need) {
    var term = need.term, bare = folded(term), found = new Map();
    need.match = [term];
    need.stem = "";
    function alike(start, quality) {
      return between(start, start + "\uffff").then(function (those) { gather(found, those, quality); });
    }
    function literally(sought) {
      if (need.last) {
        return alike(sought, function (other) { return other === sought ? 1 : 0.35 + 0.4 * sought.length / other.length; });
      }
      return between(sought, sought).then(function (those) { gather(found, those, function () { return 1; }); });
    }
    return literally(term).then(function () {
      if (found.size || bare === term) { return null; }
      need.match.push(bare);  /* nobody writes it with these marks */
      return literally(bare);
    }).then(function () {
      if (found.size || !/ae|oe|ue/.test(bare)) { return null; }
      need.match.push(bare.replace(/([aou])e/g, "$1"));
      return literally(need.match[need.match.length - 1]);
    }).then(function () {
      if (!book.endings.length || /[._]/.test(term)) { return null; }
      need.stem = stem(need.match.length > 2 ? need.match[2] : bare);
      return need.stem.length < 3 ? null : alike(need.stem, function (other) {
        return other !== term && other.length - need.stem.length <= 5 && /^[^._\d]+$/.test(other) ? 0.45 : 0;
      });
    }).then(function () {
      if (!book.joins || bare.length < 4) { return null; }
      return load("long").then(function (text) {
        var inside = need.stem && need.stem.length >= 4 ? need.stem : bare;
        need.inside = inside;
        var holding = text.split("\n").filter(function (other) { return other.indexOf(inside) > 0; }).slice(0, 60);
        return Promise.all(holding.map(function (other) { return between(other, other); })).then(function (all) {
          all.forEach(function (those) { gather(found, those, function () { return 0.5; }); });
        });
      });
    }).then(function () {
      var parts = found.size ? [] : need.word.split(/[._]/).join(" ").match(HUMP) || [];
      parts = parts.filter(function (part) { return part.length > 1; });
      if (parts.length < 2) { return found; }
      need.match = parts.map(normal);
      return Promise.all(need.match.map(function (part) { return between(part, part); })).then(function (all) {
        return common(all.map(function (those) { return gather(new Map(), those, function () { return 0.6; }); }));
      });
    });
  }

  /* characters without spaces: all neighbours; whether they stand in a row is seen in the text */
  function runs(need) {
    var run = Array.from(need.run), pairs = [];
    need.match = [need.run];
    if (run.length === 1) {
      return between(need.run, need.run + "\uffff").then(function (those) {
        return gather(new Map(), those, function (other) { return other === need.run ? 1 : 0.7; });
      });
    }
    for (var i = 0; i + 1 < run.length; i++) { pairs.push(run[i] + run[i + 1]); }
    return Promise.all(pairs.map(function (pair) { return between(pair, pair); })).then(function (all) {
      return common(all.map(function (those) { return gather(new Map(), those, function () { return 1; }); }));
    });
  }

  /* what all of them have, for somebody at least */
  function common(maps) {
    var found = new Map();
    maps[0].forEach(function (value, unit) {
      var weight = value[0], tabs = value[1];
      for (var i = 1; i < maps.length; i++) {
        var other = maps[i].get(unit);
        if (!other || !(tabs & other[1])) { return; }
        weight = Math.min(weight, other[0]);
        tabs &= other[1];
      }
      found.set(unit, [weight, tabs]);
    });
    return found;
  }

  /* all units that answer every need, best first */
  function find(text) {
    return ready().then(function () {
      var needs = parse(text);
      if (needs.length > 1) { needs = needs.filter(function (need) { return !need.weak; }); }
      return Promise.all(needs.map(answer)).then(function (maps) {
        return { needs: needs, hits: needs.length ? ranked(needs, maps, normal(text).trim()) : [] };
      });
    });
  }

  function ranked(needs, maps, plain) {
    var hits = [], seen = new Set();
    maps.forEach(function (map) {
      map.forEach(function (value, unit) {
        if (seen.has(unit)) { return; }
        seen.add(unit);
        var score = 0, tabs = every, page = pageOf(unit), titled = 0;
        for (var i = 0; i < needs.length; i++) {
          var own = maps[i].get(unit), there = needs[i].match.some(function (term) { return page[5].indexOf(term) >= 0; });
          titled += there;
          if (own) { score += needs[i].idf * own[0]; tabs &= own[1]; } else if (there) { score += needs[i].idf * 0.3; } else { return; }
        }
        if (!tabs) { return; }
        if (titled === needs.length && unit === page[4]) { score *= page[5] === plain ? 4 : 1.5; }
        hits.push({ unit: unit, page: page, score: score, tabs: tabs });
      });
    });
    return hits.sort(function (a, b) { return b.score - a.score || a.unit - b.unit; });
  }

  /* the unit's anchor, title, defined names and text */
  function textOf(hit) {
    var at = hit.unit - hit.page[4], starts = hit.page[3], piece = 0;
    while (piece + 1 < starts.length && starts[piece + 1] <= at) { piece++; }
    return load("text/" + hit.page[0] + "." + piece).then(function (list) {
      var found = list[at - starts[piece]];
      hit.anchor = found[0]; hit.title = found[1] || hit.page[1]; hit.names = found[2]; hit.text = found[3];
      return hit;
    });
  }

  /* whether a framework's readers see a piece of text */
  function seen(tabs, bit) { return !tabs || !bit || (tabs & bit) > 0; }

  function holds(hit, needs, bit) {
    return needs.every(function (need) {
      if (!need.run || need.run.length < 3) { return true; }
      if (normal(hit.title + hit.page[1]).indexOf(need.run) >= 0) { return true; }
      for (var i = 0; i < hit.text.length; i += 2) {
        if (seen(hit.text[i] >> 1, bit) && normal(hit.text[i + 1]).indexOf(need.run) >= 0) { return true; }
      }
      return false;
    });
  }

  /* -- what is shown of it */

  /* places in a text where something that was sought stands: [begin, end, which need] */
  function marks(text, needs) {
    var found = [], match;
    WORD.lastIndex = 0;
    while ((match = WORD.exec(text))) {
      for (var n = 0; n < needs.length; n++) {
        var place = needs[n].run ? null : inWord(match[0], needs[n]);
        if (place) { found.push([match.index + place[0], match.index + place[1], n]); break; }
      }
    }
    needs.forEach(function (need, n) {
      if (!need.run) { return; }
      var lower = text.toLowerCase();
      for (var at = lower.indexOf(need.run); at >= 0; at = lower.indexOf(need.run, at + need.run.length)) {
        found.push([at, at + need.run.length, n]);
      }
    });
    return found.sort(function (a, b) { return a[0] - b[0]; });
  }

  function inWord(word, need) {
    var whole = normal(word), bare = folded(whole), terms = need.match;
    for (var i = 0; i < terms.length; i++) {
      var other = terms[i] === folded(terms[i]) ? bare : whole, at = other.indexOf(terms[i]);
      if (at === 0 && (need.last || other.length === terms[i].length)) {
        return need.weak && other.length === terms[i].length ? null : [0, word.length];
      }
      if (at >= 0 && other.length === word.length && (at === 0 || /[._]/.test(word) || /[A-Z]/.test(word[at]))) { return [at, at + terms[i].length]; }
    }
    if (need.stem && bare.startsWith(need.stem) && bare.length - need.stem.length <= 5) { return [0, word.length]; }
    if (need.inside && bare.indexOf(need.inside) > 0 && bare.length === word.length) {
      return [bare.indexOf(need.inside), bare.indexOf(need.inside) + need.inside.length];
    }
    return null;
  }

  function marked(text, places, from, to) {
    var box = document.createDocumentFragment(), at = from;
    places.forEach(function (place) {
      if (place[0] < at || place[1] > to) { return; }
      box.append(text.slice(at, place[0]));
      var mark = document.createElement("mark");
      mark.textContent = text.slice(place[0], place[1]);
      box.append(mark);
      at = place[1];
    });
    box.append(text.slice(at, to));
    return box;
  }

  /* the piece of a unit's text in which most of what was sought stands close together */
  function excerpt(hit, needs, bit) {
    var best = null;
    for (var i = 0; i < hit.text.length; i += 2) {
      if (!seen(hit.text[i] >> 1, bit)) { continue; }
      var text = hit.text[i + 1], all = marks(text, needs);
      for (var first = 0; first < all.length; first++) {
        var kinds = new Set(), last = first;
        for (; last < all.length && all[last][1] - all[first][0] <= AROUND; last++) { kinds.add(all[last][2]); }
        var worth = kinds.size * 10 + Math.min(last - first, 5) - (hit.text[i] & 1);
        if (!best || worth > best.worth) { best = { worth: worth, text: text, all: all, at: all[first][0], end: all[last - 1][1], code: hit.text[i] & 1 }; }
      }
      if (!best && !(hit.text[i] & 1) && !hit.plain) { hit.plain = text; }
    }
    if (!best) { return hit.plain ? { text: hit.plain, all: [], from: 0, to: cut(hit.plain, AROUND, 1), code: 0 } : null; }
    if (best.code) {
      best.from = best.text.lastIndexOf("\n", best.at) + 1;
      best.to = best.text.indexOf("\n", best.end);
      if (best.to < 0) { best.to = best.text.length; }
      best.to = Math.min(best.to, best.from + 2 * AROUND);
    } else {
      var spare = Math.max(0, AROUND - (best.end - best.at));
      best.from = cut(best.text, best.at - Math.round(spare / 3), -1);
      best.to = cut(best.text, best.from + AROUND, 1);
    }
    return best;
  }

  /* the end of a word near a place, or the place itself where words have no spaces */
  function cut(text, at, way) {
    if (at <= 0) { return 0; }
    if (at >= text.length) { return text.length; }
    for (var i = 0; i < 20; i++) {
      if (text[at + way * i] === " ") { return at + way * i + (way < 0 ? 1 : 0); }
      if (at + way * i <= 0) { return 0; }
      if (at + way * i >= text.length) { return text.length; }
    }
    return at;
  }

  function addressOf(hit, bit, place) {
    var address = base + hit.page[0].split("/").map(encodeURIComponent).join("/") + ".html";
    var own = bitOf(root.dataset.tab), wanted = hit.tabs & bit ? bit : hit.tabs & -hit.tabs;
    if (own && !(hit.tabs & own)) { address += "?tab=" + encodeURIComponent(book.tabs[Math.log2(wanted)][0]); }
    place = place || hit.anchor;
    return address + (place ? "#" + encodeURIComponent(place) : "");
  }

  function bitOf(tab) {
    for (var i = 0; i < book.tabs.length; i++) { if (book.tabs[i][0] === tab) { return Math.pow(2, i); } }
    return 0;
  }

  function piece(kind, content) {
    var element = document.createElement("span");
    element.className = "ov-search-" + kind;
    element.append(content);
    return element;
  }

  function shown(hit, needs, bit) {
    var link = document.createElement("a");
    link.className = "ov-search-hit";
    var show = hit.tabs & bit ? bit : (bit || book.tabs.length < 2 ? hit.tabs & -hit.tabs : 0);
    if (hit.tabs !== every && !(hit.tabs & bit)) {
      link.append(piece("mark", book.tabs.filter(function (tab, at) { return hit.tabs >> at & 1; }).map(function (tab) { return tab[1]; }).join(", ")));
    }
    var names = hit.names.filter(function (entry) {
      var last = normal(entry[0]).split(".").pop();
      if (!seen(entry[1], show)) { return false; }
      return needs.some(function (need) {
        var sought = (need.term || "").split(".").pop();
        return sought.length > 2 && (need.last ? last.startsWith(sought) : last === sought);
      });
    });
    link.href = addressOf(hit, bit, names.length ? names[0][2] : "");
    if (names.length) {
      names = Array.from(new Set(names.map(function (entry) { return entry[0]; })));
      link.append(piece("mark", say.defines.replace("{names}", names.slice(0, 3).join(", "))));
    }
    var isPage = hit.unit === hit.page[4];
    if (!isPage) { link.append(piece("page", hit.page[1])); }
    link.append(piece("title", marked(hit.title, marks(hit.title, needs), 0, hit.title.length)));
    var text = excerpt(hit, needs, show);
    if (text) {
      var box = piece("text", marked(text.text, text.all, text.from, text.to));
      if (text.code) { box.classList.add("ov-search-code"); }
      if (text.from > 0 && !text.code) { box.prepend("… "); }
      if (text.to < text.text.length && !text.code) { box.append(" …"); }
      link.append(box);
    }
    return link;
  }

  /* -- a place to search in: the dialog, or the page */

  function place(box, inDialog) {
    box.append(template.content.cloneNode(true));
    var form = box.querySelector("form"), line = box.querySelector("input"), tab = box.querySelector("select");
    var list = box.querySelector(".ov-search-found"), state = box.querySelector("[role=status]");
    var others = box.querySelector(".ov-search-others"), more = box.querySelector(".ov-search-more");
    var turn = 0, active = -1, result, hits = [], at = 0, items, waiting;
    if (inDialog) {
      line.setAttribute("role", "combobox");
      line.setAttribute("aria-autocomplete", "list");
      line.setAttribute("aria-controls", "ov-search-list");
      line.setAttribute("aria-expanded", "false");
    }

    function bit() { return tab && book ? bitOf(tab.value) : 0; }

    function clear() {
      items = document.createElement(inDialog ? "div" : "ol");
      if (inDialog) {
        items.id = "ov-search-list";
        items.setAttribute("role", "listbox");
        items.setAttribute("aria-label", line.getAttribute("aria-label"));
      }
      list.replaceChildren(items);
      at = 0;
      select(-1);
    }

    function search() {
      var mine = ++turn, text = line.value.trim();
      if (!text) { clear(); hits = []; state.textContent = ""; others.hidden = more.hidden = true; expand(); return; }
      find(text).then(function (value) {
        if (mine !== turn) { return; }
        result = value;
        hits = result.hits.filter(function (hit) { return !bit() || hit.tabs & bit(); });
        var rest = result.hits.length - hits.length;
        if (!hits.length) { hits = result.hits; rest = 0; }  /* who finds nothing is glad of anything */
        others.hidden = !rest;
        others.textContent = say.elsewhere.replace("{count}", rest);
        return next(mine, true);
      }).catch(function () { if (mine === turn) { clear(); expand(); state.textContent = say.failed; } });
    }

    /* further results: in a row where characters have no spaces, in any order else */
    function next(mine, fresh) {
      var those = hits.slice(fresh ? 0 : at, (fresh ? 0 : at) + STEP);
      return Promise.all(those.map(textOf)).then(function () {
        if (mine !== turn) { return null; }
        if (fresh) { clear(); }
        at += those.length;
        var needs = result.needs, kept = those.filter(function (hit) { return holds(hit, needs, bit()); });
        kept.forEach(function (hit) { add(shown(hit, needs, bit())); });
        hits = hits.filter(function (hit) { return those.indexOf(hit) < 0 || kept.indexOf(hit) >= 0; });
        at -= those.length - kept.length;
        if (at < STEP && at < hits.length && at + those.length <= TRIED) { return next(mine, false); }
        more.hidden = at >= hits.length;
        state.textContent = (hits.length ? say.found : say.none).replace("{count}", hits.length).replace("{query}", line.value.trim());
        expand();
        if (fresh && inDialog && items.children.length) { select(0); }
        return null;
      });
    }

    function add(link) {
      if (inDialog) {
        link.setAttribute("role", "option");
        link.setAttribute("aria-selected", "false");
        link.id = "ov-search-" + items.children.length;
        link.tabIndex = -1;
        items.append(link);
      } else {
        var item = document.createElement("li");
        item.append(link);
        items.append(item);
      }
    }

    function expand() {
      if (inDialog) { line.setAttribute("aria-expanded", items.children.length ? "true" : "false"); }
      list.hidden = !items.children.length;
    }

    function select(to) {
      if (!inDialog) { return; }
      if (items.children[active]) { items.children[active].setAttribute("aria-selected", "false"); }
      active = to;
      if (items.children[to]) {
        items.children[to].setAttribute("aria-selected", "true");
        items.children[to].scrollIntoView({ block: "nearest" });
        line.setAttribute("aria-activedescendant", items.children[to].id);
      } else { line.removeAttribute("aria-activedescendant"); }
    }

    function keep() {
      if (inDialog) { return; }
      try {
        var address = new URL(location.href);
        address.searchParams.set("q", line.value);
        history.replaceState(history.state, "", address);
      } catch (error) { /* some browsers refuse for file: addresses */ }
    }

    line.addEventListener("input", function () {
      clearTimeout(waiting);
      waiting = setTimeout(function () { search(); keep(); }, 60);
    });
    line.addEventListener("keydown", function (event) {
      var count = items.children.length, to;
      if (!inDialog || event.isComposing || event.altKey || event.shiftKey || event.metaKey || event.ctrlKey || !count) { return; }
      if (event.key === "ArrowDown") { to = (active + 1) % count; }
      if (event.key === "ArrowUp") { to = (active + count - (active < 0 ? 0 : 1)) % count; }
      if (event.key === "PageDown") { to = Math.min(active + 5, count - 1); }
      if (event.key === "PageUp") { to = Math.max(active - 5, 0); }
      if (to !== undefined) { event.preventDefault(); select(to); }
    });
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      if (inDialog && items.children[active]) { items.children[active].click(); } else { search(); }
    });
    if (tab) { tab.addEventListener("change", search); }
    others.addEventListener("click", function () { tab.value = ""; search(); line.focus(); });
    more.addEventListener("click", function () {
      var first = items.children.length;
      next(turn, false).then(function () {
        if (inDialog) { line.focus(); select(first); } else if (items.children[first]) { items.children[first].firstChild.focus(); }
      });
    });
    clear();
    expand();
    return {
      line: line,
      begin: function (text) {
        if (tab) { tab.value = root.dataset.tab || ""; }
        if (text !== undefined) { line.value = text; }
        if (line.value) { search(); }
        ready().catch(function () { state.textContent = say.failed; });
      }
    };
  }

  /* -- ways in */

  var dialog, inside;
  function open() {
    if (!dialog) {
      dialog = document.createElement("dialog");
      dialog.className = "ov-search";
      dialog.setAttribute("aria-label", template.content.querySelector("input").getAttribute("aria-label"));
      document.body.append(dialog);
      inside = place(dialog, true);
      dialog.addEventListener("click", function (event) {
        if (event.target === dialog || event.target.closest(".ov-search-close") || event.target.closest(".ov-search-hit")) { dialog.close(); }
      });
    }
    if (dialog.open) { return; }
    dialog.showModal();
    inside.line.focus();
    inside.line.select();
    inside.begin();
  }

  document.addEventListener("click", function (event) {
    var way = event.target.closest && event.target.closest(".ov-search-open");
    if (!way || event.ctrlKey || event.metaKey || event.shiftKey || event.button) { return; }
    event.preventDefault();
    open();
  });

  document.addEventListener("keydown", function (event) {
    var typing = event.target.closest && event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
    var slash = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !typing;
    var k = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    if (slash || k) { event.preventDefault(); open(); }
  });

  document.querySelectorAll("a.ov-search-open").forEach(function (way) { way.setAttribute("role", "button"); });

  var page = document.getElementById("search-results");
  if (page) {
    var own = place(page, false), asks = new URLSearchParams(location.search).get("q");
    own.begin(asks || "");
    own.line.focus();
    document.addEventListener("octavo:tab", function () { own.begin(); });
  }
})();
