// Where a patch looks: point at a patch of a picture, and each head of a block shows what it attends to.
// data: {pictures: [{name, source}], grid: G, blocks, heads, maps: (blocks, H, N - 1), what the class token of the first picture looks at}
(function () {
  "use strict";
  const { element: e, choice, button, teller, touch } = window.ClipLive;
  const side = 256;

  const words = {
    en: {
      picture: "picture",
      block: "block",
      from: "asking",
      token: "the class token",
      patch: (r, c) => `the patch in row ${r}, column ${c}`,
      head: (h) => `head ${h}`,
      mean: "mean of the heads",
      itself: "the class token",
      canvas: "The picture: point at a patch, or move over the patches by arrow keys",
      hint: "Point at a patch, or focus the picture and use the arrow keys. Bright is what is looked at, the darkest a quarter as bright.",
      loading: "loading the model (4 MB, from beside this page) …",
      failed: "The model could not be loaded from beside this page.",
      most: (p, where) => `most at ${where}: ${p}`,
      say: (q, b, where) => `Block ${b}: ${q} looks most at ${where}.`,
      library: "This is the library's map for the class token. Point at a patch, and the model in the page answers.",
      time: (t) => `computed here in ${t} ms`,
    },
    ko: {
      picture: "그림",
      block: "블록",
      from: "보는 쪽",
      token: "클래스 토큰",
      patch: (r, c) => `${r}행 ${c}열의 패치`,
      head: (h) => `헤드 ${h}`,
      mean: "헤드의 평균",
      itself: "클래스 토큰",
      canvas: "그림: 패치를 가리키거나 화살표 키로 패치 위를 움직이세요",
      hint: "패치를 가리키거나, 그림에 초점을 두고 화살표 키를 쓰세요. 밝은 곳이 보는 곳이며, 가장 어두운 곳은 밝기가 4분의 1입니다.",
      loading: "모델을 불러오는 중 (이 페이지 옆에서 4 MB) …",
      failed: "이 페이지 옆에서 모델을 불러오지 못했습니다.",
      most: (p, where) => `가장 많이 보는 곳은 ${where}: ${p}`,
      say: (q, b, where) => `블록 ${b}: ${q}이(가) 가장 많이 보는 곳은 ${where}입니다.`,
      library: "클래스 토큰에 대해 라이브러리가 계산한 지도입니다. 패치를 가리키면 페이지 안의 모델이 답합니다.",
      time: (t) => `여기서 ${t} ms에 계산`,
    },
  };

  function build(place, data, w) {
    const G = data.grid,
      N = G * G + 1,
      H = data.heads;
    let clip = null,
      chosen = 0,
      block = data.blocks - 1,
      query = 0,
      image = new Image(),
      traces = new Map();
    const canvas = e("canvas", {
      width: side,
      height: side,
      tabindex: 0,
      role: "application",
      "aria-label": w.canvas,
      style: "width:100%;max-width:256px;aspect-ratio:1;touch-action:none;cursor:pointer",
    });
    const small = Array.from({ length: H + 1 }, (_, h) =>
      e("canvas", { width: side, height: side, role: "img", style: "width:100%;aspect-ratio:1" }),
    );
    const notes = small.map(() => e("span", { class: "small" })),
      asking = e("p", { class: "asking" }),
      status = e("p", { class: "small status" }, w.library),
      said = teller();
    const pictures = choice(
      w.picture,
      data.pictures.map((picture, i) => [i, picture.name]),
      0,
      (v) => {
        chosen = Number(v);
        open();
      },
    );
    const blocks = choice(
      w.block,
      Array.from({ length: data.blocks }, (_, b) => [b, String(b + 1)]),
      block,
      (v) => {
        block = Number(v);
        show();
      },
    );
    const name = (token) => (token === 0 ? w.itself : w.patch(Math.floor((token - 1) / G) + 1, ((token - 1) % G) + 1));

    function wake() {
      touch(status, w, (loaded) => {
        clip = loaded;
        compute();
      });
    }

    function open() {
      image = new Image();
      image.onload = compute;
      image.src = data.pictures[chosen].source;
    }

    function compute() {
      if (clip && !traces.has(chosen)) {
        const own = e("canvas", { width: image.naturalWidth, height: image.naturalHeight }),
          ground = own.getContext("2d"),
          begun = performance.now(),
          trace = [];
        ground.drawImage(image, 0, 0);
        clip.encodeImage({ width: own.width, height: own.height, data: ground.getImageData(0, 0, own.width, own.height).data }, trace);
        traces.set(chosen, trace); // by block (H, N, N)
        status.textContent = w.time((performance.now() - begun).toFixed(0));
      }
      show();
    }

    // What the asking token gives to each token, by head: (N); before the model is there, the library's map of the first picture's class
    // token.
    function weights(h) {
      const trace = traces.get(chosen);
      if (!trace) return chosen === 0 && query === 0 ? [0, ...data.maps[block][h]] : null;
      return trace[block].subarray((h * N + query) * N, (h * N + query + 1) * N);
    }

    // The picture, each patch as bright as it is looked at.
    function overlay(target, note, values, called) {
      const context = target.getContext("2d"),
        size = side / G;
      context.clearRect(0, 0, side, side);
      context.drawImage(image, 0, 0, side, side);
      if (!values) {
        note.textContent = called;
        return;
      }
      const most = Math.max(...values.slice(1)),
        best = values.indexOf(Math.max(...values));
      for (let n = 1; n < N; n++) {
        context.fillStyle = `rgba(0, 0, 0, ${0.75 * (1 - values[n] / most)})`;
        context.fillRect(((n - 1) % G) * size, Math.floor((n - 1) / G) * size, size, size);
      }
      outline(context, query);
      note.textContent = `${called}: ${w.most(`${(100 * values[best]).toFixed(0)} %`, name(best))}`;
      target.setAttribute("aria-label", note.textContent);
    }

    function outline(context, token) {
      if (token === 0) return;
      const size = side / G,
        x = ((token - 1) % G) * size,
        y = Math.floor((token - 1) / G) * size;
      for (const [color, width] of [
        ["#000", 5],
        ["#fff", 2.5],
      ]) {
        context.strokeStyle = color;
        context.lineWidth = width;
        context.strokeRect(x + 1, y + 1, size - 2, size - 2);
      }
    }

    function show() {
      const context = canvas.getContext("2d");
      context.drawImage(image, 0, 0, side, side);
      context.strokeStyle = "rgba(255, 255, 255, 0.35)";
      context.lineWidth = 1;
      for (let i = 1; i < G; i++) {
        context.strokeRect((i * side) / G, -1, 0, side + 2);
        context.strokeRect(-1, (i * side) / G, side + 2, 0);
      }
      outline(context, query);
      asking.textContent = `${w.from}: ${query === 0 ? w.token : name(query)}`;
      const all = Array.from({ length: H }, (_, h) => weights(h)),
        known = all.every((values) => values);
      all.forEach((values, h) => overlay(small[h], notes[h], values, w.head(h + 1)));
      const mean = known ? Array.from({ length: N }, (_, n) => all.reduce((sum, values) => sum + values[n], 0) / H) : null;
      overlay(small[H], notes[H], mean, w.mean);
      if (mean && clip) said.say(w.say(query === 0 ? w.token : name(query), block + 1, name(mean.indexOf(Math.max(...mean)))));
    }

    function ask(token) {
      if (token !== query) {
        query = token;
        show();
      }
    }
    const at = (event) => {
      const box = canvas.getBoundingClientRect(),
        clamp = (v) => Math.min(G - 1, Math.max(0, Math.floor(v * G)));
      return 1 + clamp((event.clientY - box.top) / box.height) * G + clamp((event.clientX - box.left) / box.width);
    };
    canvas.addEventListener("pointermove", (event) => {
      wake();
      ask(at(event));
    });
    canvas.addEventListener("pointerdown", (event) => {
      wake();
      ask(at(event));
    });
    canvas.addEventListener("keydown", (event) => {
      const [dr, dc] = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key] || [0, 0];
      if (!dr && !dc) return;
      event.preventDefault();
      const from = query === 0 ? Math.floor(G / 2) * (G + 1) : query - 1,
        clamp = (v) => Math.min(G - 1, Math.max(0, v));
      ask(1 + clamp(Math.floor(from / G) + dr) * G + clamp((from % G) + dc));
    });
    place.addEventListener("focusin", wake);
    place.append(
      e(
        "div",
        { class: "row" },
        pictures,
        blocks,
        button(w.token, () => ask(0)),
      ),
      e(
        "div",
        { style: "display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5em,1fr));gap:0.8em" },
        e("div", { style: "grid-column:span 2;grid-row:span 2;max-width:256px" }, canvas, asking),
        small.map((target, h) => e("div", {}, target, notes[h])),
      ),
      e("p", { class: "small" }, w.hint),
      status,
      said,
    );
    open();
  }

  window.ClipLive.define("attention", { needsModel: true, words, build });
})();
