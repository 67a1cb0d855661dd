// What the interactives share: where they stand in a page, their controls, colours, the way to the model. No request leaves the page:
// the model's two files lie beside the page of a book, and only there does the page name them.
(function () {
  "use strict";
  if (window.ClipLive) return;

  const style = `
.clip-live { margin: 0.6em 0; line-height: 1.45; }
.clip-live * { box-sizing: border-box; }
.clip-live p { margin: 0.3em 0; }
.clip-live p.title { font-size: 0.95em; font-weight: 600; }
.clip-live .row { display: flex; flex-wrap: wrap; gap: 0.5em 1.2em; align-items: center; margin: 0.5em 0; }
.clip-live .panels { display: flex; flex-wrap: wrap; gap: 1.2em 1.6em; align-items: flex-start; margin: 0.6em 0; }
.clip-live .panels > * { flex: 1 1 17em; min-width: 0; max-width: 100%; }
.clip-live label { display: inline-flex; flex-wrap: wrap; gap: 0.3em 0.5em; align-items: center; }
.clip-live input, .clip-live button, .clip-live select, .clip-live textarea { font: inherit; color: inherit; }
.clip-live input[type=text], .clip-live select, .clip-live textarea {
  background: var(--panel, transparent); border: 1px solid currentColor; border-radius: 5px; padding: 0.2em 0.5em;
  max-width: 100%;
}
.clip-live select option { color: #111; background: #fff; }
.clip-live input[type=range] { width: min(16em, 60vw); accent-color: var(--link, #0a58ca); }
.clip-live button {
  line-height: 1.3; background: var(--panel, transparent); border: 1px solid currentColor; border-radius: 5px;
  padding: 0.2em 0.7em; cursor: pointer; min-height: 1.9em;
}
.clip-live button[aria-pressed=true], .clip-live button:hover { box-shadow: inset 0 0 0 2px var(--link, #0a58ca); }
.clip-live button:disabled { opacity: 0.5; cursor: default; }
.clip-live :focus-visible { outline: 3px solid var(--link, #0a58ca); outline-offset: 1px; }
.clip-live table {
  border-collapse: separate; border-spacing: 2px; width: auto; margin: 0; font-variant-numeric: tabular-nums;
  font-size: 0.85em; max-width: 100%;
}
.clip-live th, .clip-live td {
  border: 0; padding: 0.3em 0.35em; text-align: center; vertical-align: middle; font-weight: 400; color: inherit;
  overflow-wrap: anywhere;
}
.clip-live th { overflow-wrap: normal; }
.clip-live td.number { text-align: right; white-space: nowrap; }
.clip-live td.cell, .clip-live td.own { overflow-wrap: normal; white-space: nowrap; }
.clip-live .heat td.cell { min-width: 3.4em; height: 2.3em; }
.clip-live .drag { cursor: ns-resize; touch-action: none; user-select: none; -webkit-user-select: none; }
.clip-live .own { box-shadow: inset 0 0 0 2px currentColor; }
.clip-live .chip {
  display: inline-block; border: 1px solid currentColor; border-radius: 4px; padding: 0 0.35em; margin: 1px;
  white-space: pre;
}
.clip-live .mono, .clip-live .chip { font-family: ui-monospace, "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.clip-live .big { font-size: 1.35em; font-weight: 600; font-variant-numeric: tabular-nums; }
.clip-live .small { font-size: 0.85em; }
.clip-live .scroll { overflow-x: auto; max-width: 100%; }
.clip-live canvas { display: block; max-width: 100%; }
.clip-live svg { max-width: 100%; height: auto; display: block; }
.clip-live .bar { display: block; height: 0.7em; background: var(--link, #3b82c4); border-radius: 2px; min-width: 1px; }
.clip-live .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }`;

  // Viridis, and blue over white to red, as the library's own views are coloured.
  const viridis = [0x440154, 0x482878, 0x3e4a89, 0x31688e, 0x26828e, 0x1f9e89, 0x35b779, 0x6dcd59, 0xb4de2c, 0xfde725];
  const blueRed = [0x2166ac, 0x4393c3, 0x92c5de, 0xd1e5f0, 0xf7f7f7, 0xfddbc7, 0xf4a582, 0xd6604d, 0xb2182b];
  const known = {};

  // A value from 0 to 1 → [red, green, blue].
  function color(stops, value) {
    const at = Math.min(1, Math.max(0, value)) * (stops.length - 1),
      i = Math.min(Math.floor(at), stops.length - 2);
    return [16, 8, 0].map((shift) => Math.round(((stops[i] >> shift) & 255) * (1 - at + i) + ((stops[i + 1] >> shift) & 255) * (at - i)));
  }

  // Black or white, whichever stands out; at this lightness both do by 4.5 to 1.
  function ink(rgb) {
    const linear = rgb.map((c) => (c <= 10 ? c / 255 / 12.92 : Math.pow((c / 255 + 0.055) / 1.055, 2.4)));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.179 ? "#000" : "#fff";
  }

  // Ground and ink of a value between two others; where low is below 0 and high above it, 0 is white.
  function paint(cell, value, low, high) {
    const signed = low < 0 && high > 0,
      most = Math.max(-low, high, 1e-12);
    const rgb = signed ? color(blueRed, (value / most + 1) / 2) : color(viridis, high > low ? (value - low) / (high - low) : 0.5);
    cell.style.background = `rgb(${rgb})`;
    cell.style.color = ink(rgb);
  }

  // An element: its attributes (functions listen), its children (text enters as text, never as markup).
  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (typeof value === "function") made.addEventListener(key, value);
      else if (key in { textContent: 1, value: 1, checked: 1, disabled: 1, hidden: 1, width: 1, height: 1, min: 1, max: 1, step: 1 })
        continue;
      else if (value !== null && value !== undefined) made.setAttribute(key, value);
    }
    for (const key of ["textContent", "width", "height", "min", "max", "step", "value", "checked", "disabled", "hidden"])
      if (attributes && key in attributes) made[key] = attributes[key];
    made.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return made;
  }

  const shapes = "http://www.w3.org/2000/svg";
  function drawing(name, attributes, ...children) {
    const made = document.createElementNS(shapes, name);
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    made.append(...children.flat());
    return made;
  }

  // A slider with its name and its value in words: {label, min, max, step, value, show: value → text, change: value → nothing}.
  function slider(options) {
    const shown = element("output", { class: "mono", "aria-live": "off" });
    const input = element("input", { type: "range", min: options.min, max: options.max, step: options.step, value: options.value });
    function tell() {
      shown.textContent = options.show(Number(input.value));
      input.setAttribute("aria-valuetext", shown.textContent);
    }
    input.addEventListener("input", () => {
      tell();
      options.change(Number(input.value));
    });
    tell();
    const label = element("label", {}, options.label, input, shown);
    label.set = (value) => {
      input.value = value;
      tell();
    };
    label.input = input;
    return label;
  }

  function choice(label, options, value, change) {
    const select = element(
      "select",
      { change: () => change(select.value) },
      options.map(([key, text]) => element("option", { value: key, textContent: text })),
    );
    select.value = value;
    const made = element("label", {}, label, select);
    made.select = select;
    return made;
  }

  function button(text, click, attributes) {
    return element("button", Object.assign({ type: "button", click: click }, attributes), text);
  }

  // A cell that is dragged up and down, or moved by the keys of a slider.
  function draggable(cell, options) {
    let from = null;
    cell.classList.add("drag");
    cell.tabIndex = 0;
    cell.setAttribute("role", "slider");
    cell.setAttribute("aria-label", options.label);
    cell.setAttribute("aria-orientation", "vertical");
    cell.setAttribute("aria-valuemin", options.min);
    cell.setAttribute("aria-valuemax", options.max);
    const to = (value) => options.change(Math.round(Math.min(options.max, Math.max(options.min, value)) / options.step) * options.step);
    cell.addEventListener("pointerdown", (event) => {
      from = { y: event.clientY, value: options.value() };
      cell.setPointerCapture(event.pointerId);
      cell.focus();
      event.preventDefault();
    });
    cell.addEventListener("pointermove", (event) => {
      if (from) to(from.value + (from.y - event.clientY) * options.perPixel);
    });
    for (const end of ["pointerup", "pointercancel", "lostpointercapture"])
      cell.addEventListener(end, () => {
        from = null;
      });
    cell.addEventListener("keydown", (event) => {
      const step = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 }[event.key];
      if (step) to(options.value() + step * options.step);
      else if (event.key === "Home") to(options.min);
      else if (event.key === "End") to(options.max);
      else return;
      event.preventDefault();
    });
  }

  // A place that tells a screen reader what changed, once the hand rests.
  function teller() {
    const place = element("p", { class: "hidden", role: "status" });
    let wait = 0;
    place.say = (text) => {
      clearTimeout(wait);
      wait = setTimeout(() => {
        place.textContent = text;
      }, 600);
    };
    return place;
  }

  function bytes(base64) {
    return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  }

  // 16-bit floats, little-endian, in base64 → numbers.
  function halves(base64) {
    const packed = bytes(base64),
      table = new Float64Array(65536),
      values = new Float64Array(packed.length / 2);
    for (let h = 0; h < 65536; h++) {
      const exponent = (h >> 10) & 31,
        fraction = h & 1023;
      const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
      table[h] = h & 0x8000 ? -size : size;
    }
    for (let i = 0; i < values.length; i++) values[i] = table[packed[2 * i] | (packed[2 * i + 1] << 8)];
    return values;
  }

  // A model in the page, of scenes or of emoji, fetched once from beside it: ClipModel. Pages outside a book name no such file, and there
  // is none to ask for.
  const loading = {};
  const files = (kind) => (document.querySelector(`meta[name=clip-${kind}]`) || { content: "" }).content.split(" ").filter(Boolean);
  function load(file) {
    return new Promise((loaded, failed) =>
      document.head.append(element("script", { src: file, load: loaded, error: () => failed(new Error(file)) })),
    );
  }
  function model(kind) {
    loading[kind] = loading[kind] || Promise.all(files(kind).map(load)).then(() => new window.ClipModel(window.clipWeights[kind]));
    loading[kind].catch(() => {
      loading[kind] = null;
    });
    return loading[kind];
  }

  // The model at an interactive's first touch; until it is there the library's numbers stand. Where it does not come, its status says so,
  // and the next touch asks again.
  const touched = new WeakSet();
  function touch(status, w, use, kind) {
    if (touched.has(status)) return;
    touched.add(status);
    status.textContent = w.loading;
    model(kind || "scenes").then(use, () => {
      touched.delete(status);
      status.textContent = w.failed;
    });
  }

  // What an interactive is given stands in the page, or beside a book's page, in a script that the page names.
  function start(root) {
    const live = known[root.dataset.live],
      file = root.dataset.content;
    if (!live || root.dataset.alive || (live.needsModel && files(root.dataset.model).length === 0)) return;
    root.dataset.alive = "yes";
    if (file)
      load(file).then(
        () => build(root, live, window.clipContent[file]),
        () => {
          root.dataset.alive = "";
        },
      );
    else build(root, live, JSON.parse(root.querySelector("script[type='application/json']").textContent));
  }

  function build(root, live, data) {
    const place = element("div", { class: "clip-live-form" });
    live.build(place, data, live.words[root.lang] || live.words.en);
    root.querySelector(".clip-live-still").hidden = true;
    root.append(place);
  }

  function startAll() {
    document.querySelectorAll(".clip-live").forEach(start);
  }

  window.ClipLive = {
    element,
    drawing,
    slider,
    choice,
    button,
    draggable,
    teller,
    paint,
    color,
    viridis,
    blueRed,
    ink,
    bytes,
    halves,
    model,
    touch,
    // A kind of interactive: words by language, build(place, data, words).
    define(name, live) {
      known[name] = live;
      startAll();
    },
    startAll,
  };
  document.head.append(element("style", { textContent: style }));
})();
