// A thousand scenes searched as one types: a sentence, what is added to it, what is taken away; or a picture that is pointed at.
// data: {count, width: E, embeddings: 16-bit floats in base64, (N, E), of length 1; sheet: all pictures in one, columns, side: pixels of
// one; captions, query, found: [[picture, cosine]]; model: "scenes" or "emoji"}
(function () {
  "use strict";
  const { element: e, slider, button, teller, touch, halves } = window.ClipLive;

  const words = {
    en: {
      query: "search for",
      plus: "and",
      minus: "but not",
      strength: "strength of “but not”",
      like: "search from this picture: ",
      picture: "starting from the picture",
      drop: "without the picture",
      loading: "loading the model (from beside this page) …",
      failed: "The model could not be loaded from beside this page.",
      time: (n, a, b) => `${n} pictures; the sentences in ${a} ms, the search in ${b} ms`,
      say: (n, c) => `Best: ${c}.`,
      empty: "Write what to look for.",
      library: "These are the library's results. Type, and the model in the page answers.",
      hint: {
        scenes: "Choose a picture to search from it; then add “a blue car” and take away “a red car”.",
        emoji: "Try 코끼리, something cold, a happy face; choose a picture to search from it.",
      },
    },
    ko: {
      query: "찾을 것",
      plus: "더하기",
      minus: "빼기",
      strength: "빼는 세기",
      like: "이 그림에서 출발하기: ",
      picture: "출발하는 그림",
      drop: "그림 없이",
      loading: "모델을 불러오는 중 (이 페이지 옆에서) …",
      failed: "이 페이지 옆에서 모델을 불러오지 못했습니다.",
      time: (n, a, b) => `그림 ${n}개. 문장에 ${a} ms, 검색에 ${b} ms`,
      say: (n, c) => `가장 가까운 것: ${c}.`,
      empty: "찾을 것을 쓰세요.",
      library: "라이브러리가 계산한 결과입니다. 입력하면 페이지 안의 모델이 답합니다.",
      hint: {
        scenes: "그림을 고르면 그 그림에서 출발합니다. 그다음 “a blue car”를 더하고 “a red car”를 빼 보세요.",
        emoji: "elephant, 차가운 것, 웃는 얼굴을 찾아 보세요. 그림을 고르면 그 그림에서 출발합니다.",
      },
    },
  };

  function build(place, data, w) {
    const N = data.count,
      E = data.width,
      values = halves(data.embeddings),
      read = new Map();
    let clip = null,
      from = -1,
      strength = 0.5,
      wait = 0;
    const field = (label, text) => {
      const input = e("input", { type: "text", value: text, spellcheck: "false", style: "flex:1;min-width:8em", input: later });
      return [e("label", { style: "flex:1 1 15em" }, label, input), input];
    };
    const [queryLabel, query] = field(w.query, data.query),
      [plusLabel, plus] = field(w.plus, ""),
      [minusLabel, minus] = field(w.minus, "");
    const found = e("div", { class: "found", style: "display:grid;grid-template-columns:repeat(auto-fill,minmax(6.6em,1fr));gap:0.5em" }),
      start = e("div", { class: "row" }),
      status = e("p", { class: "small status" }, w.library),
      said = teller();

    function wake() {
      touch(
        status,
        w,
        (loaded) => {
          clip = loaded;
          search();
        },
        data.model,
      );
    }

    function later() {
      clearTimeout(wait);
      wait = setTimeout(() => {
        if (clip) search();
        else wake();
      }, 20);
    }

    function embed(text) {
      if (!read.has(text)) read.set(text, clip.encodeText(text)); // (E)
      return read.get(text);
    }

    function search() {
      const begun = performance.now(),
        sum = new Float64Array(E),
        add = (row, weight) =>
          row.forEach((v, k) => {
            sum[k] += weight * v;
          });
      if (from >= 0) add(values.subarray(from * E, (from + 1) * E), 1);
      else if (query.value.trim()) add(embed(query.value), 1);
      if (plus.value.trim()) add(embed(plus.value), from >= 0 ? 1 : 0.5);
      if (minus.value.trim()) add(embed(minus.value), -strength);
      if (sum.every((v) => v === 0)) {
        status.textContent = w.empty;
        return;
      }
      const asking = window.ClipModel.normalize(sum),
        told = performance.now(); // (E)
      const scores = Array.from({ length: N }, (_, i) => [i, window.ClipModel.dot(asking, values.subarray(i * E, (i + 1) * E))]);
      scores.sort((a, b) => b[1] - a[1]);
      status.textContent = w.time(N, (told - begun).toFixed(0), (performance.now() - told).toFixed(1));
      show(scores.slice(0, places.length));
      said.say(w.say(N, data.captions[scores[0][0]]));
    }

    // One picture of the sheet, in a place that keeps its size.
    function cut(i, width, into) {
      const rows = Math.ceil(N / data.columns),
        x = i % data.columns,
        y = Math.floor(i / data.columns),
        made = into || e("span", { "aria-hidden": "true" });
      made.style.cssText =
        `display:block;width:${width};aspect-ratio:1;border-radius:4px;background-image:url(${data.sheet});` +
        `background-size:${100 * data.columns}% ${100 * rows}%;` +
        `background-position:${(100 * x) / (data.columns - 1)}% ${(100 * y) / Math.max(1, rows - 1)}%`;
      return made;
    }

    // The places of the results are made once and filled anew, so that the one in focus stays in focus.
    const places = data.found.map(() => {
      const result = {
        picture: cut(0, "100%"),
        score: e("span", { class: "mono small", style: "display:block" }),
        caption: e("span", { class: "small", style: "display:block;line-height:1.2" }),
      };
      found.append(
        button(
          [result.picture, e("span", { class: "hidden" }, w.like), result.score, result.caption],
          () => {
            from = result.shown;
            begin(1);
            later();
          },
          { style: "position:relative;padding:4px;text-align:left;display:flex;flex-direction:column;justify-content:flex-start" },
        ),
      );
      return result;
    });

    function show(best) {
      best.forEach(([i, score], k) => {
        const result = places[k];
        result.shown = i;
        cut(i, "100%", result.picture);
        result.score.textContent = score.toFixed(3);
        result.caption.textContent = data.captions[i];
      });
    }

    // From a picture a sentence is taken away as a whole, in place of the one that is added: picture − “a red car” + “a blue car”.
    function begin(share) {
      strength = share;
      amount.set(share);
      start.replaceChildren(
        ...(from < 0
          ? []
          : [
              e("span", { class: "small" }, w.picture),
              cut(from, "48px"),
              e("span", { class: "small" }, data.captions[from]),
              button(w.drop, () => {
                from = -1;
                begin(0.5);
                later();
                query.focus();
              }),
            ]),
      );
      query.disabled = from >= 0;
    }

    const amount = slider({
      label: w.strength,
      min: 0,
      max: 1,
      step: 0.05,
      value: strength,
      show: (v) => v.toFixed(2),
      change: (v) => {
        strength = v;
        later();
      },
    });
    place.addEventListener("focusin", wake);
    place.append(
      e("div", { class: "row" }, queryLabel, plusLabel, minusLabel),
      e("div", { class: "row" }, amount),
      start,
      e("p", { class: "small" }, w.hint[data.model]),
      found,
      status,
      said,
    );
    show(data.found);
  }

  window.ClipLive.define("search", { needsModel: true, words, build });
})();
