// Pictures × captions through the model in the page: a picture is drawn, taken from the samples or from a file; captions are typed.
// data: {samples: [{name, source}], captions, chosen: the samples shown first, logits: (N, M), the library's}
(function () {
  "use strict";
  const { element: e, slider, button, teller, paint, touch } = window.ClipLive;
  const side = 224,
    most = 5,
    mostCaptions = 6;
  const colors = ["#1d2329", "#ffffff", "#d93a3a", "#f08c2e", "#f6d743", "#3a9d4a", "#3b6fd4", "#8a4fbf", "#8a5a33", "#f2a7c3"];

  const words = {
    en: {
      pictures: "Pictures",
      picture: (i) => `picture ${i + 1}`,
      add: "+ a blank one",
      remove: "Remove this picture",
      samples: "Put a sample in its place",
      file: "A file of yours",
      clear: "Clear",
      brush: "brush",
      colors: ["black", "white", "red", "orange", "yellow", "green", "blue", "violet", "brown", "pink"],
      color: (c) => `paint with ${c}`,
      canvas: "The chosen picture, to draw on: the arrow keys move the brush, Space paints a dot, Shift with an arrow key a line",
      hint: "Draw on it, or drop a file. Keys: arrows move, Space paints, Shift with an arrow draws.",
      captions: "Captions, and their probabilities for this picture",
      caption: (i) => `caption ${i + 1}`,
      addCaption: "+ a caption",
      removeCaption: (i) => `remove caption ${i + 1}`,
      matrix: "Logits of all pictures and captions",
      loading: "loading the model (4 MB, from beside this page) …",
      failed: "The model could not be loaded from beside this page.",
      library: "These are the library's numbers. Touch anything, and the model is loaded into the page and answers itself.",
      time: (i, c) => `computed here: a picture in ${i} ms, a caption in ${c} ms`,
      say: (c, p) => `Best caption: ${c}, ${p}.`,
      unread: (name) => `${name} is not a picture that this browser can read.`,
      fresh: "a red apple",
    },
    ko: {
      pictures: "그림",
      picture: (i) => `그림 ${i + 1}`,
      add: "+ 빈 그림",
      remove: "이 그림 빼기",
      samples: "샘플로 바꾸기",
      file: "내 파일",
      clear: "지우기",
      brush: "붓",
      colors: ["검정", "하양", "빨강", "주황", "노랑", "초록", "파랑", "보라", "갈색", "분홍"],
      color: (c) => `${c}으로 칠하기`,
      canvas: "고른 그림에 그리기: 화살표 키로 붓을 옮기고, 스페이스로 점을 찍고, Shift와 화살표 키로 선을 긋습니다",
      hint: "그 위에 그리거나 파일을 끌어다 놓으세요. 키보드: 화살표로 옮기기, 스페이스로 점, Shift와 화살표로 선.",
      captions: "캡션과 이 그림에 대한 확률",
      caption: (i) => `캡션 ${i + 1}`,
      addCaption: "+ 캡션",
      removeCaption: (i) => `캡션 ${i + 1} 빼기`,
      matrix: "모든 그림과 캡션의 로짓",
      loading: "모델을 불러오는 중 (이 페이지 옆에서 4 MB) …",
      failed: "이 페이지 옆에서 모델을 불러오지 못했습니다.",
      library: "라이브러리가 계산한 수입니다. 무엇이든 건드리면 모델을 페이지로 불러와 직접 답합니다.",
      time: (i, c) => `여기서 계산: 그림 하나에 ${i} ms, 캡션 하나에 ${c} ms`,
      say: (c, p) => `가장 잘 맞는 캡션: ${c}, ${p}.`,
      unread: (name) => `${name}은(는) 이 브라우저가 읽을 수 있는 그림이 아닙니다.`,
      fresh: "a red apple",
    },
  };

  const minus = (x, n) => x.toFixed(n).replace("-", "−");

  function build(place, data, w) {
    let clip = null,
      chosen = 0,
      color = 2,
      brush = 14,
      at = null,
      waiting = false,
      pictureTime = 0,
      captionTime = 0;
    const embedded = new Map(); // caption → (E)
    const captions = data.captions.map((text) => ({ text }));
    const pictures = data.chosen.map((sample, i) => Object.assign(blank(), { sample, logits: data.logits[i] }));
    const canvas = e("canvas", {
      width: side,
      height: side,
      tabindex: 0,
      role: "application",
      "aria-label": w.canvas,
      style: "width:100%;max-width:280px;aspect-ratio:1;border:1px solid currentColor;touch-action:none;cursor:crosshair",
    });
    const context = canvas.getContext("2d", { willReadFrequently: true }),
      cross = e("div", {
        hidden: true,
        "aria-hidden": "true",
        style:
          "position:absolute;pointer-events:none;border:2px solid #111;outline:2px solid #fff;border-radius:50%;" +
          "transform:translate(-50%,-50%)",
      });
    const tabs = e("div", { class: "row", role: "group", "aria-label": w.pictures, style: "gap:0.4em" }),
      list = e("div"),
      table = e("tbody"),
      status = e("p", { class: "small status" }, w.library),
      said = teller();

    function blank() {
      const own = e("canvas", { width: side, height: side }),
        ground = own.getContext("2d", { willReadFrequently: true });
      ground.fillStyle = "#ffffff";
      ground.fillRect(0, 0, side, side);
      return { canvas: own, embedding: null, logits: null };
    }

    // The square in the middle of an image, as the model's own transform cuts it.
    function put(picture, image) {
      const width = image.naturalWidth || image.width,
        height = image.naturalHeight || image.height,
        edge = Math.min(width, height),
        ground = picture.canvas.getContext("2d");
      ground.imageSmoothingQuality = "high";
      ground.fillStyle = "#ffffff";
      ground.fillRect(0, 0, side, side);
      ground.drawImage(image, (width - edge) / 2, (height - edge) / 2, edge, edge, 0, 0, side, side);
      picture.embedding = null;
    }

    function take(picture, sample) {
      const image = new Image();
      return new Promise((done) => {
        image.onload = () => {
          put(picture, image);
          done();
        };
        image.src = data.samples[sample].source;
      });
    }

    function wake() {
      touch(status, w, (loaded) => {
        clip = loaded;
        later();
      });
    }

    function later() {
      if (waiting) return;
      waiting = true;
      setTimeout(() => {
        waiting = false;
        compute();
      }, 0);
    }

    function compute() {
      if (!clip) return;
      for (const picture of pictures)
        if (!picture.embedding) {
          const { data: pixels } = picture.canvas.getContext("2d").getImageData(0, 0, side, side),
            begun = performance.now();
          picture.embedding = clip.encodeImage({ width: side, height: side, data: pixels }); // (E)
          pictureTime = performance.now() - begun;
        }
      for (const { text } of captions)
        if (!embedded.has(text)) {
          const begun = performance.now();
          embedded.set(text, clip.encodeText(text)); // (E)
          captionTime = performance.now() - begun;
        }
      for (const picture of pictures)
        picture.logits = captions.map(({ text }) => clip.scale * window.ClipModel.dot(picture.embedding, embedded.get(text)));
      status.textContent = w.time(pictureTime.toFixed(0), captionTime.toFixed(0));
      show();
    }

    function softmax(logits) {
      const highest = Math.max(...logits),
        up = logits.map((z) => Math.exp(z - highest)),
        sum = up.reduce((a, b) => a + b, 0);
      return up.map((v) => v / sum);
    }

    // What is shown of the numbers; the controls stay as they are, so that nothing loses its focus.
    function show() {
      context.drawImage(pictures[chosen].canvas, 0, 0);
      tabs
        .querySelectorAll("canvas")
        .forEach((small, i) => small.getContext("2d").drawImage(pictures[i].canvas, 0, 0, small.width, small.height));
      const known = pictures.filter((picture) => picture.logits && picture.logits.length === captions.length),
        // Those of a caption that was added before the model was there are still to come.
        logits = pictures[chosen].logits?.length === captions.length ? pictures[chosen].logits : null,
        p = logits ? softmax(logits) : captions.map(() => 0);
      list.querySelectorAll(".bar").forEach((bar, i) => {
        bar.style.width = `${100 * p[i]}%`;
      });
      list.querySelectorAll("output").forEach((shown, i) => {
        shown.textContent = logits ? `${(100 * p[i]).toFixed(1)} %` : "–";
      });
      const all = known.flatMap((picture) => picture.logits),
        low = Math.min(...all),
        high = Math.max(...all);
      table.replaceChildren(
        e(
          "tr",
          {},
          e("td"),
          captions.map(({ text }) => e("th", { scope: "col", class: "small" }, text)),
        ),
        ...pictures.map((picture, i) => {
          const best = picture.logits ? picture.logits.indexOf(Math.max(...picture.logits)) : -1,
            small = e("canvas", { width: 40, height: 40, role: "img", "aria-label": w.picture(i) });
          small.getContext("2d").drawImage(picture.canvas, 0, 0, 40, 40);
          return e(
            "tr",
            {},
            e("th", { scope: "row" }, small),
            captions.map((_, j) => {
              const cell = e(
                "td",
                { class: "cell" + (j === best ? " own" : "") },
                picture.logits && picture.logits.length > j ? minus(picture.logits[j], 1) : "–",
              );
              if (picture.logits && picture.logits.length > j) paint(cell, picture.logits[j], low, high);
              return cell;
            }),
          );
        }),
      );
      if (clip && logits) said.say(w.say(captions[p.indexOf(Math.max(...p))].text, `${(100 * Math.max(...p)).toFixed(0)} %`));
    }

    function arrange() {
      tabs.replaceChildren(
        ...pictures.map((_, i) =>
          button(
            e("canvas", { width: 48, height: 48, "aria-hidden": "true" }),
            () => {
              chosen = i;
              arrange();
            },
            { "aria-pressed": String(i === chosen), "aria-label": w.picture(i), style: "padding:3px" },
          ),
        ),
      );
      if (pictures.length < most)
        tabs.append(
          button(w.add, () => {
            chosen = pictures.push(blank()) - 1;
            arrange();
            later();
          }),
        );
      list.replaceChildren(
        ...captions.map((caption, i) =>
          e(
            "div",
            { style: "margin:0.35em 0" },
            e(
              "div",
              { style: "display:flex;gap:0.4em" },
              e("input", {
                type: "text",
                value: caption.text,
                "aria-label": w.caption(i),
                style: "flex:1;min-width:0",
                input: (event) => {
                  caption.text = event.target.value;
                  if (clip) compute();
                },
              }),
              captions.length > 1
                ? button(
                    "×",
                    () => {
                      captions.splice(i, 1);
                      pictures.forEach((picture) => picture.logits && picture.logits.splice(i, 1));
                      arrange();
                      later();
                    },
                    { "aria-label": w.removeCaption(i) },
                  )
                : null,
            ),
            e(
              "div",
              { style: "display:flex;gap:0.6em;align-items:center" },
              e("span", { style: "flex:1" }, e("span", { class: "bar" })),
              e("output", { class: "small mono", style: "width:4.5em;text-align:right" }),
            ),
          ),
        ),
      );
      if (captions.length < mostCaptions)
        list.append(
          button(w.addCaption, () => {
            captions.push({ text: w.fresh });
            arrange();
            later();
          }),
        );
      show();
    }

    // Drawing, by the pointer and by keys.
    function line(from, to) {
      const ground = pictures[chosen].canvas.getContext("2d");
      ground.strokeStyle = colors[color];
      ground.lineWidth = brush;
      ground.lineCap = "round";
      ground.beginPath();
      ground.moveTo(from.x, from.y);
      ground.lineTo(to.x + 0.01, to.y);
      ground.stroke();
      pictures[chosen].embedding = null;
      context.drawImage(pictures[chosen].canvas, 0, 0);
      later();
    }
    const point = (event) => {
      const box = canvas.getBoundingClientRect();
      return { x: ((event.clientX - box.left) / box.width) * side, y: ((event.clientY - box.top) / box.height) * side };
    };
    let pen = null;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      pen = point(event);
      line(pen, pen);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (pen) {
        const next = point(event);
        line(pen, next);
        pen = next;
      }
    });
    for (const end of ["pointerup", "pointercancel"])
      canvas.addEventListener(end, () => {
        pen = null;
      });
    function mark() {
      cross.hidden = !at;
      if (at)
        Object.assign(cross.style, {
          left: `${(100 * at.x) / side}%`,
          top: `${(100 * at.y) / side}%`,
          width: `${(100 * brush) / side}%`,
          height: `${(100 * brush) / side}%`,
        });
    }
    canvas.addEventListener("keydown", (event) => {
      const [dx, dy] = { ArrowLeft: [-8, 0], ArrowRight: [8, 0], ArrowUp: [0, -8], ArrowDown: [0, 8] }[event.key] || [0, 0];
      if (!dx && !dy && event.key !== " ") return;
      event.preventDefault();
      const from = at || { x: side / 2, y: side / 2 };
      at = { x: Math.min(side, Math.max(0, from.x + dx)), y: Math.min(side, Math.max(0, from.y + dy)) };
      if (event.key === " " || event.shiftKey) line(from, at);
      mark();
    });
    canvas.addEventListener("focus", () => {
      if (canvas.matches(":focus-visible")) {
        at = at || { x: side / 2, y: side / 2 };
        mark();
      }
    });
    canvas.addEventListener("blur", () => {
      at = null;
      mark();
    });

    // The picture may have been taken out of the row before its file is read.
    function open(file) {
      const picture = pictures[chosen];
      wake();
      createImageBitmap(file).then(
        (image) => {
          put(picture, image);
          show();
          later();
        },
        () => {
          status.textContent = w.unread(file.name);
        },
      );
    }
    place.addEventListener("dragover", (event) => event.preventDefault());
    place.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer.files[0]) open(event.dataTransfer.files[0]);
    });
    place.addEventListener("pointerdown", wake);
    place.addEventListener("focusin", wake);

    const paints = e(
      "div",
      { class: "row", role: "group", style: "gap:0.25em" },
      colors.map((c, i) =>
        button(
          "",
          () => {
            color = i;
            paints.querySelectorAll("button").forEach((other, j) => other.setAttribute("aria-pressed", String(i === j)));
          },
          { "aria-label": w.color(w.colors[i]), "aria-pressed": String(i === color), style: `background:${c};width:1.9em;padding:0` },
        ),
      ),
    );
    const samples = e(
      "div",
      { class: "row", role: "group", "aria-label": w.samples, style: "gap:0.25em" },
      data.samples.map((sample, i) =>
        button(
          e("img", { src: sample.source, alt: "", style: "width:36px;height:36px;display:block;margin:0" }),
          () =>
            take(pictures[chosen], i).then(() => {
              show();
              later();
            }),
          { "aria-label": sample.name, title: sample.name, style: "padding:2px" },
        ),
      ),
    );
    const file = e("input", {
      type: "file",
      accept: "image/*",
      style: "max-width:100%",
      change: () => {
        if (file.files[0]) open(file.files[0]);
      },
    });
    const removal = button(w.remove, () => {
      if (pictures.length > 1) {
        pictures.splice(chosen, 1);
        chosen = Math.min(chosen, pictures.length - 1);
        arrange();
      }
    });

    place.append(
      e(
        "div",
        { class: "panels" },
        e(
          "div",
          {},
          e("p", { class: "title" }, w.pictures),
          tabs,
          e("div", { style: "position:relative;max-width:280px" }, canvas, cross),
          e("p", { class: "small" }, w.hint),
          paints,
          e(
            "div",
            { class: "row" },
            slider({
              label: w.brush,
              min: 4,
              max: 60,
              step: 2,
              value: brush,
              show: (v) => `${v}`,
              change: (v) => {
                brush = v;
                mark();
              },
            }),
          ),
          e(
            "div",
            { class: "row" },
            button(w.clear, () => {
              pictures[chosen] = blank();
              show();
              later();
            }),
            removal,
          ),
          e("p", { class: "small", style: "margin-bottom:0" }, w.samples),
          samples,
          e("label", { class: "small" }, w.file, file),
        ),
        e(
          "div",
          {},
          e("p", { class: "title" }, w.captions),
          list,
          e("p", { class: "title", style: "margin-top:1.2em" }, w.matrix),
          e("div", { class: "scroll" }, e("table", { class: "heat" }, table)),
          status,
        ),
      ),
      said,
    );
    arrange();
    pictures.forEach((picture, i) =>
      take(picture, data.chosen[i]).then(() => {
        show();
        later();
      }),
    );
  }

  window.ClipLive.define("try-it", { needsModel: true, words, build });
})();
