// A sentence through the tokenizer and the text tower, as it is typed: the merges as they happen, the ids, the mask, and what a token sees.
// data: {text, pieces: [{piece, steps: [{symbols, rank}], ids}], ids, attention: by block (H, L, L), heads, context}
(function () {
  "use strict";
  const { element: e, slider, choice, button, teller, paint, touch } = window.ClipLive;

  const words = {
    en: {
      text: "A sentence",
      step: "merges",
      start: "every byte a symbol, the last of a word marked with </w>",
      merged: (pair, rank) => `${pair} (rank ${rank} in merges.txt)`,
      back: "one merge back",
      on: "one merge on",
      tokens: (n, most) => `${n} of at most ${most} tokens`,
      cut: "The sentence is longer than the context and was cut; the end-of-text token stays.",
      position: "position",
      token: "token",
      id: "id",
      mask: "Who sees whom: row i looks at columns 0 to i; the rest is masked",
      block: "block",
      head: "head",
      mean: "mean of all",
      reader: "the token that looks",
      sees: (name, block) => `What ${name} sees in block ${block}`,
      end: "end of text",
      begin: "start of text",
      loading: "loading the model (4 MB, from beside this page) …",
      failed: "The model could not be loaded from beside this page.",
      masked: "masked",
      say: (n, best) => `${n} tokens; the end-of-text token looks most at ${best}.`,
      library: "These are the library's numbers; type, and the model in the page answers.",
      time: (t) => `computed here in ${t} ms`,
    },
    ko: {
      text: "문장",
      step: "병합",
      start: "바이트마다 기호 하나, 단어의 마지막에는 </w>",
      merged: (pair, rank) => `${pair} (merges.txt의 순위 ${rank})`,
      back: "병합 하나 뒤로",
      on: "병합 하나 앞으로",
      tokens: (n, most) => `토큰 ${n}개 (최대 ${most}개)`,
      cut: "문장이 컨텍스트보다 길어 잘렸습니다. 끝 토큰은 남습니다.",
      position: "위치",
      token: "토큰",
      id: "토큰 ID",
      mask: "누가 누구를 보는가: i행은 0열부터 i열까지 보고 나머지는 가려집니다",
      block: "블록",
      head: "헤드",
      mean: "모두의 평균",
      reader: "보는 토큰",
      sees: (name, block) => `블록 ${block}에서 ${name} 토큰이 보는 것`,
      end: "텍스트 끝",
      begin: "텍스트 시작",
      loading: "모델을 불러오는 중 (이 페이지 옆에서 4 MB) …",
      failed: "이 페이지 옆에서 모델을 불러오지 못했습니다.",
      masked: "가려짐",
      say: (n, best) => `토큰 ${n}개. 끝 토큰은 ${best}를 가장 많이 봅니다.`,
      library: "라이브러리가 계산한 수입니다. 입력하면 페이지 안의 모델이 답합니다.",
      time: (t) => `여기서 ${t} ms에 계산`,
    },
  };

  function build(place, data, w) {
    let clip = null,
      now = data,
      step = Infinity,
      block = data.attention.length - 1,
      head = -1,
      reader = -1;
    const input = e("input", {
      type: "text",
      value: data.text,
      "aria-label": w.text,
      maxlength: 300,
      style: "width:100%",
      input: () => {
        if (clip) read();
        else wake();
      },
    });
    const chips = e("div", { class: "merging", style: "min-height:2.2em" }),
      merge = e("p", { class: "small mono" }),
      count = e("p", {}),
      row = e("tbody"),
      grid = e("tbody", { style: "line-height:1" }),
      bars = e("tbody"),
      seen = e("p", { class: "title" });
    const status = e("p", { class: "small status" }, w.library),
      said = teller(),
      last = () => now.ids.length - 1;
    const steps = slider({
      label: w.step,
      min: 0,
      max: 1,
      step: 1,
      value: 0,
      show: (v) => `${v} / ${total()}`,
      change: (v) => {
        step = v;
        merging();
      },
    });
    const walk = (by) => {
      step = Math.min(total(), Math.max(0, Math.min(step, total()) + by));
      steps.set(step);
      merging();
    };
    const heads = choice(w.head, [[-1, w.mean], ...Array.from({ length: data.heads }, (_, h) => [h, String(h + 1)])], -1, (v) => {
      head = Number(v);
      attention();
    });
    const blocks = choice(
      w.block,
      data.attention.map((_, b) => [b, String(b + 1)]),
      block,
      (v) => {
        block = Number(v);
        attention();
      },
    );
    const readers = choice(w.reader, [], 0, (v) => {
      reader = Number(v);
      attention();
    });

    function total() {
      return now.pieces.reduce((sum, piece) => sum + piece.steps.length - 1, 0);
    }
    const spelled = (symbol) => symbol.replace("</w>", "·");
    // Tokens by what they spell; a long sentence is cut before its end token.
    function names() {
      const symbols = now.pieces.flatMap((piece) => piece.steps[piece.steps.length - 1].symbols).slice(0, now.ids.length - 2);
      return [w.begin, ...symbols.map(spelled), w.end];
    }

    function wake() {
      touch(status, w, (loaded) => {
        clip = loaded;
        read();
      });
    }

    function read() {
      const begun = performance.now(),
        attentions = [],
        ids = clip.tokenize(input.value);
      clip.encodeText(ids, attentions);
      now = { pieces: clip.explain(input.value), ids, attention: attentions };
      status.textContent = w.time((performance.now() - begun).toFixed(0));
      step = Infinity;
      reader = -1;
      show();
      said.say(w.say(ids.length, names()[weights(last()).indexOf(Math.max(...weights(last())))]));
    }

    // The pieces after as many merges as the slider says, the latest merge framed.
    function merging() {
      let left = Math.min(step, total()),
        note = w.start;
      chips.replaceChildren(
        ...now.pieces.map((piece) => {
          const taken = Math.min(left, piece.steps.length - 1),
            here = taken > 0 && left <= piece.steps.length - 1,
            at = piece.steps[taken];
          left -= taken;
          let fresh = -1;
          if (here) {
            fresh = at.symbols.findIndex((symbol, i) => symbol !== piece.steps[taken - 1].symbols[i]);
            note = w.merged(
              `${spelled(piece.steps[taken - 1].symbols[fresh])} + ` +
                `${spelled(piece.steps[taken - 1].symbols[fresh + 1])} → ${spelled(at.symbols[fresh])}`,
              at.rank,
            );
          }
          return e(
            "span",
            { style: "display:inline-block;margin-right:0.8em" },
            at.symbols.map((symbol, i) =>
              e(
                "span",
                { class: "chip", style: i === fresh ? "box-shadow:inset 0 0 0 2px var(--link,#0a58ca);font-weight:700" : "" },
                spelled(symbol),
              ),
            ),
          );
        }),
      );
      merge.textContent = note;
    }

    // What token i gives to each, by the chosen block and head: (L).
    function weights(i) {
      const L = now.ids.length,
        all = now.attention[block],
        chosen = head < 0 ? Array.from({ length: data.heads }, (_, h) => h) : [head];
      return Array.from({ length: L }, (_, j) => chosen.reduce((sum, h) => sum + all[(h * L + i) * L + j], 0) / chosen.length);
    }

    function attention() {
      const L = now.ids.length,
        i = reader < 0 ? L - 1 : reader,
        called = names(),
        all = Array.from({ length: L }, (_, r) => weights(r));
      grid.replaceChildren(
        ...all.map((values, r) =>
          e(
            "tr",
            {},
            e(
              "th",
              {
                scope: "row",
                class: "small",
                style: "text-align:right;padding:1px 5px 1px 0;white-space:nowrap" + (r === i ? ";font-weight:700" : ""),
              },
              called[r],
            ),
            values.map((value, c) => {
              const cell = e("td", {
                style: "padding:0;width:1.25em;min-width:0.5em;height:1.25em",
                title: c > r ? w.masked : value.toFixed(3),
              });
              if (c > r) cell.style.border = "1px dotted rgba(128,128,128,0.6)";
              else paint(cell, value, 0, 1);
              return cell;
            }),
          ),
        ),
      );
      seen.textContent = w.sees(called[i], block + 1);
      bars.replaceChildren(
        ...all[i]
          .slice(0, i + 1)
          .map((value, c) =>
            e(
              "tr",
              {},
              e("th", { scope: "row", style: "text-align:right;white-space:nowrap;padding:1px 6px" }, called[c]),
              e("td", { style: "width:100%;padding:1px" }, e("span", { class: "bar", style: `width:${100 * value}%` })),
              e("td", { class: "number mono", style: "padding:1px 4px" }, value.toFixed(2)),
            ),
          ),
      );
    }

    function show() {
      const called = names(),
        L = now.ids.length;
      steps.input.max = total();
      steps.set(Math.min(step, total()));
      count.textContent =
        w.tokens(L, data.context) + (now.pieces.reduce((sum, piece) => sum + piece.ids.length, 2) > L ? ". " + w.cut : "");
      row.replaceChildren(
        e(
          "tr",
          {},
          e("th", { scope: "row", class: "small" }, w.position),
          now.ids.map((_, i) => e("td", { class: "small" }, String(i))),
        ),
        e(
          "tr",
          {},
          e("th", { scope: "row", class: "small" }, w.token),
          called.map((name) => e("td", {}, e("span", { class: "chip" }, name))),
        ),
        e(
          "tr",
          {},
          e("th", { scope: "row", class: "small" }, w.id),
          now.ids.map((id) => e("td", { class: "mono ids" }, String(id))),
        ),
      );
      readers.select.replaceChildren(...called.map((name, i) => e("option", { value: String(i), textContent: `${i} ${name}` })));
      readers.select.value = String(reader < 0 ? L - 1 : reader);
      merging();
      attention();
    }

    place.addEventListener("focusin", wake);
    place.addEventListener("pointerdown", wake);
    place.append(
      e("label", { style: "display:block" }, w.text, input),
      e(
        "div",
        { class: "row" },
        button("◀", () => walk(-1), { "aria-label": w.back }),
        button("▶", () => walk(1), { "aria-label": w.on }),
        steps,
      ),
      chips,
      merge,
      count,
      e("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": w.id }, e("table", {}, row)),
      e("div", { class: "row" }, blocks, heads, readers),
      e(
        "div",
        { class: "panels" },
        e(
          "div",
          {},
          e("p", { class: "title" }, w.mask),
          e(
            "div",
            { class: "scroll", tabindex: 0, role: "group", "aria-label": w.mask },
            e("table", { style: "border-spacing:1px" }, grid),
          ),
        ),
        e("div", {}, seen, e("table", { style: "width:100%" }, bars)),
      ),
      status,
      said,
    );
    show();
  }

  window.ClipLive.define("sentence", { needsModel: true, words, build });
})();
