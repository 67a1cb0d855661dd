// Search over the lessons, and folded sections opened for printing. Without scripts a page stays whole and readable.
(function () {
  "use strict";
  var most = 20, before = 40, length = 160;
  var form = document.querySelector(".search"), input = document.getElementById("search"), list = document.getElementById("search-results"), status = document.getElementById("search-status");
  var loading = null, cells = [], active = -1;

  // From a disk a page may load scripts and nothing else, so the lessons' words come as scripts, at the first use.
  function load() {
    loading = loading || Promise.all(form.dataset.lessons.split(" ").filter(Boolean).map(function (file) {
      return new Promise(function (loaded, failed) {
        var script = document.createElement("script");
        script.onload = loaded;
        script.onerror = failed;
        script.src = file;
        document.head.appendChild(script);
      });
    })).then(function () {
      cells = [];
      (window.lessons || []).forEach(function (lesson) {
        lesson.entries.forEach(function (entry) {
          cells.push({ lesson: lesson, entry: entry, heading: entry.heading.toLowerCase(), text: entry.text.toLowerCase() });
        });
      });
    });
    return loading;
  }

  function beginsWord(text, at) { return at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1]); }

  // 0 where the term is not in the text, 2 where a word begins with it, else 1.
  function rank(text, term) {
    for (var at = text.indexOf(term), found = 0; at >= 0; at = text.indexOf(term, at + 1)) {
      if (beginsWord(text, at)) return 2;
      found = 1;
    }
    return found;
  }

  // Every term has to be in the cell; a heading's own cell comes first, then words that begin with the term, prose before code.
  function score(cell, terms, phrase) {
    var total = cell.entry.code ? 0 : 0.5;
    for (var i = 0; i < terms.length; i++) {
      var heading = rank(cell.heading, terms[i]), text = rank(cell.text, terms[i]);
      if (heading + text === 0) return 0;
      total += heading * (cell.entry.code ? 0.5 : 4) + text;
    }
    return total + (terms.length > 1 && cell.text.indexOf(phrase) >= 0 ? 4 : 0);
  }

  function find(query) {
    var phrase = query.toLowerCase().trim().replace(/\s+/g, " "), terms = phrase.split(" ").filter(Boolean);
    if (terms.length === 0) return { terms: terms, hits: [] };
    var hits = cells.map(function (cell, i) { return { cell: cell, score: score(cell, terms, phrase), at: i }; }).filter(function (hit) { return hit.score > 0; });
    hits.sort(function (a, b) { return b.score - a.score || a.at - b.at; });
    return { terms: terms, hits: hits };
  }

  function element(name, kind, text) {
    var made = document.createElement(name);
    made.className = kind;
    made.textContent = text || "";
    return made;
  }

  // The text around the first term, with the terms marked. Everything enters the page as text, never as markup.
  function excerpt(cell, terms) {
    var at = Math.min.apply(null, terms.map(function (term) { return cell.text.indexOf(term); }).filter(function (i) { return i >= 0; }).concat(cell.text.length));
    var from = at === cell.text.length ? 0 : Math.max(0, at - before), text = cell.entry.text.slice(from, from + length);
    var shown = element("span", cell.entry.code ? "excerpt mono" : "excerpt");
    var pattern = new RegExp("(" + terms.map(function (term) { return term.replace(/[.*+?^${}()|[\]\\\/-]/g, "\\$&"); }).join("|") + ")", "giu");
    ((from > 0 ? "… " : "") + text + (from + length < cell.entry.text.length ? " …" : "")).split(pattern).forEach(function (part, i) {
      shown.appendChild(i % 2 ? element("mark", "", part) : document.createTextNode(part));
    });
    return shown;
  }

  function option(hit, terms, i) {
    var lesson = hit.cell.lesson, entry = hit.cell.entry, link = element("a", "");
    link.id = "search-result-" + i;
    link.href = encodeURIComponent(lesson.page) + ".html#cell-" + entry.cell;
    link.lang = lesson.language;
    link.tabIndex = -1;
    link.setAttribute("role", "option");
    link.setAttribute("aria-selected", "false");
    link.appendChild(element("span", "where", lesson.title + (entry.heading && entry.heading !== lesson.title ? " › " + entry.heading : "")));
    link.appendChild(excerpt(hit.cell, terms));
    return link;
  }

  function show(hits, terms, text) {
    list.replaceChildren.apply(list, hits.slice(0, most).map(function (hit, i) { return option(hit, terms, i); }));
    list.hidden = hits.length === 0;
    list.scrollTop = 0;
    input.setAttribute("aria-expanded", String(hits.length > 0));
    status.textContent = text;
    select(-1);
  }

  function close() { show([], [], ""); }

  function select(i) {
    if (list.children[active]) list.children[active].setAttribute("aria-selected", "false");
    active = i;
    var link = list.children[i];
    if (!link) return input.removeAttribute("aria-activedescendant");
    link.setAttribute("aria-selected", "true");
    link.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", link.id);
  }

  function search() {
    load().then(function () {
      var found = find(input.value);
      if (found.terms.length === 0) return close();
      show(found.hits, found.terms, found.hits.length > 0 ? form.dataset.some.replace("{0}", found.hits.length) : form.dataset.none);
    }, function () {
      loading = null;
      show([], [], form.dataset.failed);
    });
  }

  input.addEventListener("focus", function () { load().catch(function () { loading = null; }); if (input.value) search(); });
  input.addEventListener("input", search);
  input.addEventListener("keydown", function (event) {
    if (event.isComposing) return;
    var count = list.children.length;
    if (event.key === "Escape") {
      if (list.hidden && !status.textContent) { input.value = ""; input.blur(); } else close();
    } else if (event.key === "ArrowDown" && count > 0) select(active + 1 < count ? active + 1 : 0);
    else if (event.key === "ArrowUp" && count > 0) select(active > 0 ? active - 1 : count - 1);
    else if (event.key === "Enter") { if (count > 0) list.children[Math.max(0, active)].click(); }
    else return;
    event.preventDefault();
  });
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  form.addEventListener("focusout", function (event) { if (!form.contains(event.relatedTarget)) close(); });
  list.addEventListener("click", function () { close(); input.blur(); });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.isContentEditable) return;
    event.preventDefault();
    input.focus();
    input.select();
  });

  // What is folded cannot be unfolded on paper.
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details:not([open])").forEach(function (folded) { folded.open = folded.dataset.printed = true; });
  });
  addEventListener("afterprint", function () {
    document.querySelectorAll("details[data-printed]").forEach(function (folded) { folded.open = false; delete folded.dataset.printed; });
  });
})();
