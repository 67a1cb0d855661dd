// A classifier from words: templates and class names are written, and every picture is classified anew by the model in the page.
// data: {classes: true names, names: as the reader may change them, templates, sources: pictures, labels, width: E,
// embeddings: 16-bit floats in base64, (N, E), top1}
(function () {
  "use strict";
  const { element: e, button, teller, paint, touch, halves } = window.ClipLive;

  const words = {
    en: {
      templates: "Templates, one a line; {} is the name",
      names: "Class names, one a line, in this order",
      right: "right",
      recall: "class",
      confusion: "Rows: what it shows; columns: what was answered (counts)",
      mistakes: "Taken for something else",
      none: "Nothing is taken for something else.",
      loading: "loading the model (4 MB, from beside this page) …",
      failed: "The model could not be loaded from beside this page.",
      again: "as it began",
      need: (n, m) => `${n} names are needed, one for each class in its order; there are ${m}.`,
      empty: "A template is needed, and each has a {} for the name.",
      time: (n, t) => `${n} sentences read in ${t} ms`,
      shows: (truth, answer) => `${truth}, answered with ${answer}`,
      library: "These are the library's numbers. Change a word, and the model in the page answers.",
      say: (p, n) => `${p} of ${n} right.`,
    },
    ko: {
      templates: "템플릿, 한 줄에 하나. {}가 이름의 자리입니다",
      names: "클래스 이름, 한 줄에 하나, 이 차례로",
      right: "맞음",
      recall: "클래스",
      confusion: "행: 그림이 보여 주는 것, 열: 답 (개수)",
      mistakes: "다른 것으로 본 그림",
      none: "다른 것으로 본 그림이 없습니다.",
      loading: "모델을 불러오는 중 (이 페이지 옆에서 4 MB) …",
      failed: "이 페이지 옆에서 모델을 불러오지 못했습니다.",
      again: "처음대로",
      need: (n, m) => `클래스마다 하나씩 차례대로 이름 ${n}개가 필요한데 ${m}개입니다.`,
      empty: "템플릿이 필요하며, 템플릿마다 이름의 자리 {}가 있어야 합니다.",
      time: (n, t) => `문장 ${n}개를 ${t} ms에 읽음`,
      shows: (truth, answer) => `${truth}, 답은 ${answer}`,
      library: "라이브러리가 계산한 수입니다. 말을 바꾸면 페이지 안의 모델이 답합니다.",
      say: (p, n) => `${n}개 중 ${p}개가 맞음.`,
    },
  };

  function build(place, data, w) {
    const C = data.classes.length,
      N = data.labels.length,
      E = data.width,
      values = halves(data.embeddings),
      read = new Map();
    let clip = null,
      wait = 0;
    const area = (label, lines, rows) => {
      const text = e("textarea", { rows, value: lines.join("\n"), style: "width:100%;resize:vertical", spellcheck: "false", input: later });
      return [e("label", { style: "display:block" }, label, text), text];
    };
    const [templatesLabel, templates] = area(w.templates, data.templates, 4),
      [namesLabel, names] = area(w.names, data.names, Math.min(C, 8));
    const top = e("output", { class: "big" }),
      confusion = e("tbody"),
      mistakes = e("div", { class: "row", style: "gap:0.3em" }),
      status = e("p", { class: "small status" }, w.library),
      said = teller();
    const lines = (text) =>
      text.value
        .split("\n")
        .map((line) => line.trim())
        .filter(Boolean);

    function wake() {
      touch(status, w, (loaded) => {
        clip = loaded;
        later();
      });
    }

    function later() {
      clearTimeout(wait);
      wait = setTimeout(() => {
        if (clip) classify();
        else wake();
      }, 60);
    }

    function embed(text) {
      if (!read.has(text)) read.set(text, clip.encodeText(text)); // (E)
      return read.get(text);
    }

    // Each class: the mean of its sentences' embeddings, of length 1 again. Each picture: the class of the largest cosine.
    function classify() {
      const T = lines(templates),
        classes = lines(names),
        begun = performance.now(),
        known = read.size;
      if (classes.length !== C) {
        status.textContent = w.need(C, classes.length);
        return;
      }
      if (T.length === 0 || T.some((template) => !template.includes("{}"))) {
        status.textContent = w.empty;
        return;
      }
      const weights = classes.map((name) => {
        // (C, E)
        const each = T.map((template) => embed(template.split("{}").join(name))); // (T, E)
        return window.ClipModel.normalize(each[0].map((_, k) => each.reduce((sum, row) => sum + row[k], 0)));
      });
      const answers = data.labels.map((_, i) => {
        const picture = values.subarray(i * E, (i + 1) * E),
          cosines = weights.map((row) => window.ClipModel.dot(row, picture));
        return cosines.indexOf(Math.max(...cosines));
      });
      show(answers, classes);
      const right = answers.filter((answer, i) => answer === data.labels[i]).length;
      status.textContent = w.time(read.size - known, (performance.now() - begun).toFixed(0));
      said.say(w.say(right, N));
    }

    function show(answers, classes) {
      const counts = data.classes.map(() => data.classes.map(() => 0));
      answers.forEach((answer, i) => counts[data.labels[i]][answer]++);
      const right = counts.reduce((sum, row, c) => sum + row[c], 0);
      top.textContent = `${((100 * right) / N).toFixed(1)} %`;
      confusion.replaceChildren(
        e(
          "tr",
          {},
          e("td"),
          classes.map((name) =>
            e(
              "th",
              {
                scope: "col",
                class: "small",
                style: "writing-mode:vertical-rl;transform:rotate(180deg);text-align:left;white-space:nowrap;padding:3px 0",
              },
              name,
            ),
          ),
        ),
        ...counts.map((row, c) =>
          e(
            "tr",
            {},
            e("th", { scope: "row", class: "small", style: "text-align:right;white-space:nowrap;padding:1px 5px" }, data.classes[c]),
            row.map((count, a) => {
              const cell = e(
                "td",
                { class: a === c ? "own" : "", style: "padding:1px;min-width:1.7em;height:1.7em" },
                count ? String(count) : "",
              );
              if (count) paint(cell, count / row.reduce((x, y) => x + y), 0, 1);
              else cell.style.background = "rgba(128,128,128,0.1)";
              return cell;
            }),
          ),
        ),
      );
      const wrong = answers.map((answer, i) => [answer, i]).filter(([answer, i]) => answer !== data.labels[i]);
      mistakes.replaceChildren(
        ...(wrong.length === 0
          ? [w.none]
          : wrong.slice(0, 24).map(([answer, i]) => {
              const text = w.shows(data.classes[data.labels[i]], classes[answer]);
              return e(
                "figure",
                { style: "margin:0;width:5em" },
                e("img", { src: data.sources[i], alt: text, style: "width:48px;height:48px;display:block;margin:0;border-radius:4px" }),
                e("figcaption", { class: "small", style: "line-height:1.15" }, `→ ${classes[answer]}`),
              );
            })),
      );
    }

    const begin = button(w.again, () => {
      templates.value = data.templates.join("\n");
      names.value = data.names.join("\n");
      later();
    });
    place.addEventListener("focusin", wake);
    place.append(
      e(
        "div",
        { class: "panels" },
        e(
          "div",
          {},
          templatesLabel,
          e("div", { style: "height:0.6em" }),
          namesLabel,
          e("div", { class: "row" }, begin),
          e("p", {}, `${w.right} `, top),
          status,
        ),
        e(
          "div",
          {},
          e("p", { class: "title" }, w.confusion),
          e(
            "div",
            { class: "scroll", tabindex: 0, role: "group", "aria-label": w.confusion },
            e("table", { style: "border-spacing:1px" }, confusion),
          ),
        ),
      ),
      e("p", { class: "title" }, w.mistakes),
      mistakes,
      said,
    );
    show(data.answers, data.names);
  }

  window.ClipLive.define("classifier", { needsModel: true, words, build });
})();
