// Search over the lessons, code that is copied, what was read, and folded sections opened for printing. Without scripts a page stays
// whole and readable. The script stands within the page, so that a browser paints what is above it; its parts begin when all is read.
document.addEventListener("DOMContentLoaded", function () {
  "use strict";
  var most = 20,
    before = 40,
    length = 160;
  var form = document.querySelector(".search"),
    input = document.getElementById("search"),
    list = document.getElementById("search-results"),
    status = document.getElementById("search-status");
  var loading = null,
    cells = [],
    active = -1;

  // From a disk a page may load scripts and nothing else, so the lessons' words come as scripts, at the first use.
  function load() {
    loading =
      loading ||
      Promise.all(
        form.dataset.lessons
          .split(" ")
          .filter(Boolean)
          .map(function (file) {
            return new Promise(function (loaded, failed) {
              var script = document.createElement("script");
              script.onload = loaded;
              script.onerror = failed;
              script.src = file;
              document.head.appendChild(script);
            });
          }),
      ).then(function () {
        cells = [];
        (window.lessons || []).forEach(function (lesson) {
          lesson.entries.forEach(function (entry) {
            cells.push({ lesson: lesson, entry: entry, heading: entry.heading.toLowerCase(), text: entry.text.toLowerCase() });
          });
        });
      });
    return loading;
  }

  function beginsWord(text, at) {
    return at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1]);
  }

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
      var heading = rank(cell.heading, terms[i]),
        text = rank(cell.text, terms[i]);
      if (heading + text === 0) return 0;
      total += heading * (cell.entry.code ? 0.5 : 4) + text;
    }
    return total + (terms.length > 1 && cell.text.indexOf(phrase) >= 0 ? 4 : 0);
  }

  function find(query) {
    var phrase = query.toLowerCase().trim().replace(/\s+/g, " "),
      terms = phrase.split(" ").filter(Boolean);
    if (terms.length === 0) return { terms: terms, hits: [] };
    var hits = cells
      .map(function (cell, i) {
        return { cell: cell, score: score(cell, terms, phrase), at: i };
      })
      .filter(function (hit) {
        return hit.score > 0;
      });
    hits.sort(function (a, b) {
      return b.score - a.score || a.at - b.at;
    });
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
    var at = Math.min.apply(
      null,
      terms
        .map(function (term) {
          return cell.text.indexOf(term);
        })
        .filter(function (i) {
          return i >= 0;
        })
        .concat(cell.text.length),
    );
    var from = at === cell.text.length ? 0 : Math.max(0, at - before),
      text = cell.entry.text.slice(from, from + length);
    var shown = element("span", cell.entry.code ? "excerpt mono" : "excerpt");
    var pattern = new RegExp(
      "(" +
        terms
          .map(function (term) {
            return term.replace(/[.*+?^${}()|[\]\\\/]/g, "\\$&");
          })
          .join("|") +
        ")",
      "giu",
    );
    ((from > 0 ? "… " : "") + text + (from + length < cell.entry.text.length ? " …" : "")).split(pattern).forEach(function (part, i) {
      shown.appendChild(i % 2 ? element("mark", "", part) : document.createTextNode(part));
    });
    return shown;
  }

  function option(hit, terms, i) {
    var lesson = hit.cell.lesson,
      entry = hit.cell.entry,
      link = element("a", "");
    link.id = "search-result-" + i;
    link.href = encodeURIComponent(lesson.page) + ".html#cell-" + entry.cell;
    link.lang = lesson.language;
    link.tabIndex = -1;
    link.setAttribute("role", "option");
    link.setAttribute("aria-selected", "false");
    link.appendChild(
      element("span", "where", lesson.title + (entry.heading && entry.heading !== lesson.title ? " › " + entry.heading : "")),
    );
    link.appendChild(excerpt(hit.cell, terms));
    return link;
  }

  function show(hits, terms, text) {
    list.replaceChildren.apply(
      list,
      hits.slice(0, most).map(function (hit, i) {
        return option(hit, terms, i);
      }),
    );
    list.hidden = hits.length === 0;
    list.scrollTop = 0;
    input.setAttribute("aria-expanded", String(hits.length > 0));
    status.textContent = text;
    select(-1);
  }

  function close() {
    show([], [], "");
  }

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
    load().then(
      function () {
        var found = find(input.value);
        if (found.terms.length === 0) return close();
        show(found.hits, found.terms, found.hits.length > 0 ? form.dataset.some.replace("{0}", found.hits.length) : form.dataset.none);
      },
      function () {
        loading = null;
        show([], [], form.dataset.failed);
      },
    );
  }

  input.addEventListener("focus", function () {
    load().catch(function () {
      loading = null;
    });
    if (input.value) search();
  });
  input.addEventListener("input", search);
  input.addEventListener("keydown", function (event) {
    if (event.isComposing) return;
    var count = list.children.length;
    if (event.key === "Escape") {
      if (list.hidden && !status.textContent) {
        input.value = "";
        input.blur();
      } else close();
    } else if (event.key === "ArrowDown" && count > 0) select(active + 1 < count ? active + 1 : 0);
    else if (event.key === "ArrowUp" && count > 0) select(active > 0 ? active - 1 : count - 1);
    else if (event.key === "Enter") {
      if (count > 0) list.children[Math.max(0, active)].click();
    } else return;
    event.preventDefault();
  });
  form.addEventListener("submit", function (event) {
    event.preventDefault();
  });
  form.addEventListener("focusout", function (event) {
    if (!form.contains(event.relatedTarget)) close();
  });
  list.addEventListener("click", function () {
    close();
    input.blur();
  });
  document.addEventListener("keydown", function (event) {
    if (
      event.key !== "/" ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) ||
      event.target.isContentEditable
    )
      return;
    event.preventDefault();
    input.focus();
    input.select();
  });

  // What is folded cannot be unfolded on paper.
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details:not([open])").forEach(function (folded) {
      folded.open = folded.dataset.printed = true;
    });
  });
  addEventListener("afterprint", function () {
    document.querySelectorAll("details[data-printed]").forEach(function (folded) {
      folded.open = false;
      delete folded.dataset.printed;
    });
  });
});

// The plots' library is large: it comes when the page has been painted.
document.addEventListener("DOMContentLoaded", function () {
  "use strict";
  var library = document.body.dataset.plots;
  if (library)
    requestAnimationFrame(function () {
      setTimeout(function () {
        var script = document.createElement("script");
        script.src = library;
        document.head.appendChild(script);
      });
    });
});

// A button on every piece of code that copies it, and says so.
document.addEventListener("DOMContentLoaded", function () {
  "use strict";
  var words = document.body.dataset,
    said = document.createElement("p");
  said.className = "unseen";
  said.setAttribute("role", "status");
  document.body.appendChild(said);

  // A page from a disk may not be let at the clipboard by the newer way; the older one copies what is selected.
  function copySelected(text) {
    var field = document.createElement("textarea"),
      focused = document.activeElement;
    field.value = text;
    field.className = "unseen";
    document.body.appendChild(field);
    field.select();
    var copied = document.execCommand("copy");
    field.remove();
    if (focused) focused.focus();
    return copied;
  }

  function copy(text) {
    var older = function () {
      return copySelected(text);
    };
    return navigator.clipboard
      ? navigator.clipboard.writeText(text).then(function () {
          return true;
        }, older)
      : Promise.resolve(older());
  }

  document.querySelectorAll("pre.source").forEach(function (code) {
    var button = document.createElement("button"),
      wait = 0;
    button.type = "button";
    button.className = "copy";
    button.textContent = words.copy;
    button.addEventListener("click", function () {
      // What is said again is heard only where it was silent in between.
      said.textContent = "";
      copy(code.textContent).then(function (copied) {
        clearTimeout(wait);
        setTimeout(function () {
          said.textContent = copied ? words.copied : words.notCopied;
        }, 50);
        button.textContent = copied ? words.copied : words.notCopied;
        wait = setTimeout(function () {
          button.textContent = words.copy;
        }, 2500);
      });
    });
    code.before(button);
  });
});

// Which lessons were read: kept in the browser, for both editions; where it keeps nothing, for as long as the page is open.
document.addEventListener("DOMContentLoaded", function () {
  "use strict";
  var key = "clip-lessons-read",
    words = document.body.dataset,
    main = document.getElementById("main"),
    kept = true,
    read = {},
    boxes = [];

  function load() {
    try {
      read = JSON.parse(localStorage.getItem(key) || "{}") || {};
    } catch (problem) {
      // Either the store is closed to this page, or what it holds is not ours: both leave an empty list.
      read = {};
      kept = problem instanceof SyntaxError;
    }
  }

  function mark(lesson, value) {
    if (kept) load();
    read[lesson] = value;
    try {
      localStorage.setItem(key, JSON.stringify(read));
    } catch (problem) {
      kept = false;
    }
    show();
  }

  function box(lesson, text, place) {
    var label = document.createElement("label"),
      input = document.createElement("input");
    label.className = "read-mark";
    input.type = "checkbox";
    input.addEventListener("change", function () {
      mark(lesson, input.checked);
    });
    label.append(input, " " + text);
    place(label);
    boxes.push({ lesson: lesson, input: input });
  }

  // One line on the map: how many, and whether that lasts.
  var progress = null;
  function show() {
    boxes.forEach(function (one) {
      one.input.checked = read[one.lesson] === true;
    });
    document.querySelectorAll("li[data-lesson]").forEach(function (lesson) {
      lesson.classList.toggle("read", read[lesson.dataset.lesson] === true);
    });
    if (!progress) return;
    var count = boxes.filter(function (one) {
      return one.input.checked;
    }).length;
    progress.bar.value = count;
    progress.said.textContent = words.progress.replace("{0}", count).replace("{1}", boxes.length) + (kept ? "" : " " + words.notKept);
  }

  load();
  document.querySelectorAll(".card").forEach(function (card) {
    var name = card.querySelector("h2").textContent;
    box(card.dataset.lesson, words.read, function (label) {
      label.firstChild.setAttribute("aria-label", words.read + ": " + name);
      card.lastElementChild.appendChild(label);
    });
  });
  var cards = document.querySelector(".cards");
  if (cards && boxes.length > 0) {
    progress = { bar: document.createElement("progress"), said: document.createElement("span") };
    var line = document.createElement("p");
    line.className = "progress";
    line.setAttribute("role", "status");
    progress.bar.max = boxes.length;
    progress.bar.setAttribute("aria-hidden", "true");
    line.append(progress.bar, " ", progress.said);
    cards.before(line);
  }
  if (main.dataset.lesson) {
    var end = main.querySelector(".turn");
    box(main.dataset.lesson, words.readThis, function (label) {
      end.before(label);
    });
    // Who comes to the end has read it; who takes the mark away has the last word.
    new IntersectionObserver(function (seen) {
      if (
        seen.some(function (one) {
          return one.isIntersecting;
        }) &&
        !(main.dataset.lesson in read)
      )
        mark(main.dataset.lesson, true);
    }).observe(end);
  }
  show();
  addEventListener("storage", function (event) {
    if (event.key === key) {
      load();
      show();
    }
  });
  addEventListener("pageshow", function (event) {
    if (event.persisted) {
      load();
      show();
    }
  });
});

// What is wider than its place is faded at the side where it goes on, and the keyboard can move it.
document.addEventListener("DOMContentLoaded", function () {
  "use strict";
  function fade(place) {
    var hidden = place.scrollWidth - place.clientWidth;
    place.classList.toggle("goes-on-right", hidden - place.scrollLeft > 2);
    place.classList.toggle("goes-on-left", hidden > 2 && place.scrollLeft > 2);
    if (hidden > 0 && !place.hasAttribute("tabindex")) place.tabIndex = 0;
  }
  var places = document.querySelectorAll(".scroll, .clip-scroll, .clip-plot, .output.rich");
  if (!window.ResizeObserver) return;
  // Tables keep their place's width and change their own: both are watched.
  var sizes = new ResizeObserver(function (changed) {
    changed.forEach(function (one) {
      fade(one.target.closest(".watched") || one.target);
    });
  });
  places.forEach(function (place) {
    place.classList.add("watched");
    place.addEventListener(
      "scroll",
      function () {
        fade(place);
      },
      { passive: true },
    );
    sizes.observe(place);
    if (place.firstElementChild) sizes.observe(place.firstElementChild);
  });
});
