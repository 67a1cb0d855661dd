// CLIP in the page: the embedded model's image transform, tokenizer and both towers, one picture or caption at a time.
// B is left out, for it is 1. N image tokens, L text tokens, D width, H heads, K head width, E embedding, R resolution, P patch.
// A matrix of N rows and D columns is one Float64Array, row after row; the library's results agree to 1e-3 (the weights here have 16 bits).
(function () {
  "use strict";

  // x (N, I) · weight (O, I) transposed + bias (O) → (N, O). Four rows of x and two of the weights at a time: each number that is read
  // serves more than once.
  function linear(x, weight, bias, N, I, O) {
    const y = new Float64Array(N * O);
    for (let n = 0; n < N; n += 4) {
      const a = n * I, b = Math.min(n + 1, N - 1) * I, c = Math.min(n + 2, N - 1) * I, d = Math.min(n + 3, N - 1) * I;
      for (let o = 0; o < O; o += 2) {
        const even = bias ? bias[o] : 0, odd = bias ? bias[o + 1] : 0;
        let p = even, q = even, r = even, s = even, t = odd, u = odd, v = odd, w = odd;
        for (let i = 0, first = o * I, second = first + I; i < I; i++, first++, second++) {
          const one = weight[first], two = weight[second], xa = x[a + i], xb = x[b + i], xc = x[c + i], xd = x[d + i];
          p += xa * one; q += xb * one; r += xc * one; s += xd * one;
          t += xa * two; u += xb * two; v += xc * two; w += xd * two;
        }
        y[n * O + o] = p;
        y[n * O + o + 1] = t;
        if (n + 1 < N) { y[(n + 1) * O + o] = q; y[(n + 1) * O + o + 1] = u; }
        if (n + 2 < N) { y[(n + 2) * O + o] = r; y[(n + 2) * O + o + 1] = v; }
        if (n + 3 < N) { y[(n + 3) * O + o] = s; y[(n + 3) * O + o + 1] = w; }
      }
    }
    return y;                                                                     // (N, O)
  }

  // Each row to mean 0 and variance 1, then stretched and shifted: (N, D) → (N, D).
  function layerNorm(x, weight, bias, N, D, epsilon) {
    const y = new Float64Array(N * D);
    for (let n = 0; n < N; n++) {
      let mean = 0, variance = 0;
      for (let i = 0; i < D; i++) mean += x[n * D + i] / D;
      for (let i = 0; i < D; i++) variance += (x[n * D + i] - mean) ** 2 / D;
      const scale = 1 / Math.sqrt(variance + epsilon);
      for (let i = 0; i < D; i++) y[n * D + i] = (x[n * D + i] - mean) * scale * weight[i] + bias[i];
    }
    return y;                                                                     // (N, D)
  }

  function softmax(values) {
    let most = -Infinity, sum = 0;
    for (const v of values) most = Math.max(most, v);
    const exponentials = Float64Array.from(values, v => Math.exp(v - most));
    for (const e of exponentials) sum += e;
    return exponentials.map(e => e / sum);
  }

  function quickGelu(x) {
    for (let i = 0; i < x.length; i++) x[i] /= 1 + Math.exp(-1.702 * x[i]);       // x · sigmoid(1.702 x)
    return x;
  }

  function add(x, y) {
    for (let i = 0; i < x.length; i++) x[i] += y[i];
    return x;
  }

  // The length of a vector becomes 1.
  function normalize(x) {
    const length = Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));
    return x.map(v => v / length);
  }

  function dot(a, b) {
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
    return sum;
  }

  // Pillow's bicubic kernel, a = −0.5.
  function cubic(x) {
    x = Math.abs(x);
    return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
  }

  // Where each of `target` samples comes from among `source`: the first sample and the weights, with 22 fractional bits as Pillow has them.
  function taps(source, target) {
    const scale = source / target, widen = Math.max(scale, 1), support = 2 * widen;
    return Array.from({ length: target }, (_, i) => {
      const centre = (i + 0.5) * scale;
      const first = Math.max(Math.trunc(centre - support + 0.5), 0), end = Math.min(Math.trunc(centre + support + 0.5), source);
      const weights = Array.from({ length: end - first }, (_, k) => cubic((k + first - centre + 0.5) / widen));
      const sum = weights.reduce((a, b) => a + b);
      return { first, weights: weights.map(w => Math.trunc(w / sum * 2 ** 22 + (w / sum < 0 ? -0.5 : 0.5))) };
    });
  }

  // Samples of four a pixel, resized along rows and then along columns; each pass rounds to 8 bits, as Pillow's does.
  function resize(samples, width, height, newWidth, newHeight) {
    const narrow = pass(samples, width, height, newWidth, 4, 4 * width, 4 * newWidth);
    return pass(narrow, height, newWidth, newHeight, 4 * newWidth, 4, 4);
  }

  // One pass: `lines` lines of `length` samples become lines of `newLength`; `along` leads to the next sample of a line, `across` to the
  // next line.
  function pass(samples, length, lines, newLength, along, across, newAcross) {
    if (length === newLength) return samples;
    const result = new Uint8ClampedArray(4 * lines * newLength);
    taps(length, newLength).forEach(({ first, weights }, i) => {
      for (let line = 0; line < lines; line++)
        for (let c = 0; c < 4; c++) {
          let sum = 2 ** 21;
          for (let k = 0; k < weights.length; k++) sum += samples[line * across + (first + k) * along + c] * weights[k];
          result[line * newAcross + i * along + c] = Math.floor(sum / 2 ** 22);
        }
    });
    return result;
  }

  // GPT-2's stand-ins: a byte that prints is itself, the others follow from U+0100 on.
  const byteSymbols = (function () {
    const symbols = [];
    for (let b = 0, next = 256; b < 256; b++) {
      const prints = (b >= 33 && b <= 126) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
      symbols.push(String.fromCharCode(prints ? b : next++));
    }
    return symbols;
  })();

  const pieces = /<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+/giu;

  // The library repairs texts whose bytes were misread as well (ftfy); what one types here needs straight quotes, one form of each letter,
  // entities read.
  function clean(text) {
    const place = document.createElement("textarea");
    let read = text.normalize("NFC").replace(/[\u2018\u2019\u201a\u201b]/g, "'").replace(/[\u201c\u201d\u201e\u201f]/g, "\"");
    for (let i = 0; i < 2; i++) {
      place.innerHTML = read.replace(/</g, "&lt;");
      read = place.value;
    }
    return read.replace(/\s+/gu, " ").trim().toLowerCase();
  }

  class ClipModel {
    // weights: {config, preprocessor, vocabulary: tokens in the order of their ids, merges: "left right", tensors: [name, count],
    // data: base64}
    constructor(weights) {
      this.config = weights.config;
      this.preprocessor = weights.preprocessor;
      this.vocabulary = weights.vocabulary;
      this.ids = new Map(weights.vocabulary.map((token, id) => [token, id]));
      this.ranks = new Map(weights.merges.map((pair, rank) => [pair, rank]));
      this.tensors = {};
      const values = window.ClipLive.halves(weights.data);
      let at = 0;
      for (const [name, count] of weights.tensors) this.tensors[name] = values.subarray(at, at += count);
      this.scale = Math.exp(this.tensors.logit_scale[0]);
    }

    // A picture {width, height, data: RGBA, rows from the top} → normalised planes of red, green and blue, (3, R, R): resize, centre crop,
    // 0–1, normalise.
    transform(picture) {
      const R = this.preprocessor.crop_size.height, shortest = this.preprocessor.size.shortest_edge, { width, height } = picture;
      const wide = width > height, newWidth = wide ? Math.floor(shortest * width / height) : shortest;
      const newHeight = wide ? shortest : Math.floor(shortest * height / width);
      const resized = resize(picture.data, width, height, newWidth, newHeight);
      const left = Math.floor((newWidth - R) / 2), top = Math.floor((newHeight - R) / 2), pixels = new Float64Array(3 * R * R);
      for (let c = 0; c < 3; c++)
        for (let y = 0; y < R; y++)
          for (let x = 0; x < R; x++)
            pixels[(c * R + y) * R + x] = (resized[4 * ((top + y) * newWidth + left + x) + c] / 255 - this.preprocessor.image_mean[c])
              / this.preprocessor.image_std[c];
      return pixels;                                                              // (3, R, R)
    }

    // A caption → [{piece, steps: [{symbols, rank}], ids}]: the symbols before the first merge and after each.
    explain(text) {
      return (clean(text).match(pieces) || []).map(piece => {
        if (this.ids.has(piece) && /^<\|.*\|>$/.test(piece))
          return { piece, steps: [{ symbols: [piece], rank: null }], ids: [this.ids.get(piece)] };
        let symbols = Array.from(new TextEncoder().encode(piece), b => byteSymbols[b]);
        symbols[symbols.length - 1] += "</w>";
        const steps = [{ symbols, rank: null }];
        for (;;) {
          const ranks = symbols.slice(1).map((right, i) => this.ranks.get(symbols[i] + " " + right) ?? Infinity), rank = Math.min(...ranks);
          if (rank === Infinity) break;
          const merged = [];
          for (let i = 0; i < symbols.length; i++)
            if (this.ranks.get(symbols[i] + " " + symbols[i + 1]) === rank) merged.push(symbols[i] + symbols[++i]);
            else merged.push(symbols[i]);
          steps.push({ symbols: symbols = merged, rank });
        }
        return { piece, steps, ids: symbols.map(symbol => this.ids.get(symbol)) };
      });
    }

    // A caption → ids: start, its tokens, end; at most as many as the context holds.
    tokenize(text) {
      const { bos_token_id: start, eos_token_id: end, max_position_embeddings: context } = this.config.text_config;
      return [start, ...this.explain(text).flatMap(piece => piece.ids).slice(0, context - 2), end];   // (L)
    }

    // A picture → its embedding, (E), of length 1. A trace takes each block's attention, (H, N, N).
    encodeImage(picture, trace) {
      const { hidden_size: D, patch_size: P, image_size: R, layer_norm_eps: epsilon } = this.config.vision_config;
      const G = R / P, N = G * G + 1, E = this.config.projection_dim;
      const pixels = this.transform(picture);                                     // (3, R, R)
      const patches = new Float64Array((N - 1) * 3 * P * P);                      // (N - 1, 3 P P)
      for (let n = 0, at = 0; n < N - 1; n++)
        for (let c = 0; c < 3; c++)
          for (let y = 0; y < P; y++)
            for (let x = 0; x < P; x++, at++) patches[at] = pixels[(c * R + Math.floor(n / G) * P + y) * R + (n % G) * P + x];
      const t = name => this.tensors["vision_model." + name];
      const embedded = linear(patches, t("embeddings.patch_embedding.weight"), null, N - 1, 3 * P * P, D);   // (N - 1, D)
      let x = new Float64Array(N * D);                                            // (N, D)
      x.set(t("embeddings.class_embedding"));
      x.set(embedded, D);
      add(x, t("embeddings.position_embedding.weight"));
      x = layerNorm(x, t("pre_layrnorm.weight"), t("pre_layrnorm.bias"), N, D, epsilon);
      x = this.blocks(x, "vision_model", this.config.vision_config, N, false, trace);                        // (N, D)
      const pooled = layerNorm(x.subarray(0, D), t("post_layernorm.weight"), t("post_layernorm.bias"), 1, D, epsilon);   // (D)
      return normalize(linear(pooled, this.tensors["visual_projection.weight"], null, 1, D, E));             // (E)
    }

    // A caption, or its ids (L) → its embedding, (E), of length 1. A trace takes each block's attention, (H, L, L).
    encodeText(text, trace) {
      const { hidden_size: D, layer_norm_eps: epsilon } = this.config.text_config, E = this.config.projection_dim;
      const ids = typeof text === "string" ? this.tokenize(text) : text, L = ids.length, t = name => this.tensors["text_model." + name];
      let x = new Float64Array(L * D);                                            // (L, D)
      ids.forEach((id, l) => x.set(t("embeddings.token_embedding.weight").subarray(id * D, (id + 1) * D), l * D));
      add(x, t("embeddings.position_embedding.weight").subarray(0, L * D));
      x = this.blocks(x, "text_model", this.config.text_config, L, true, trace);  // (L, D)
      const end = x.subarray((L - 1) * D);                                        // (D): the end-of-text token has seen all others
      const pooled = layerNorm(end, t("final_layer_norm.weight"), t("final_layer_norm.bias"), 1, D, epsilon);   // (D)
      return normalize(linear(pooled, this.tensors["text_projection.weight"], null, 1, D, E));               // (E)
    }

    // Pre-norm blocks: x + attention(norm(x)), then x + MLP(norm(x)); (N, D) → (N, D).
    blocks(x, tower, config, N, causal, trace) {
      const { hidden_size: D, intermediate_size: M, num_attention_heads: H, layer_norm_eps: epsilon } = config;
      for (let block = 0; block < config.num_hidden_layers; block++) {
        const t = name => this.tensors[`${tower}.encoder.layers.${block}.${name}`];
        const normed = layerNorm(x, t("layer_norm1.weight"), t("layer_norm1.bias"), N, D, epsilon);            // (N, D)
        const [q, k, v] = ["q", "k", "v"].map(n =>
          linear(normed, t(`self_attn.${n}_proj.weight`), t(`self_attn.${n}_proj.bias`), N, D, D));                        // (N, D) each
        const mixed = attend(q, k, v, N, D, H, causal, trace);                    // (N, D)
        add(x, linear(mixed, t("self_attn.out_proj.weight"), t("self_attn.out_proj.bias"), N, D, D));          // (N, D)
        const again = layerNorm(x, t("layer_norm2.weight"), t("layer_norm2.bias"), N, D, epsilon);             // (N, D)
        const wide = quickGelu(linear(again, t("mlp.fc1.weight"), t("mlp.fc1.bias"), N, D, M));                // (N, M)
        add(x, linear(wide, t("mlp.fc2.weight"), t("mlp.fc2.bias"), N, M, D));                                 // (N, D)
      }
      return x;
    }
  }

  // Scaled dot-product attention, head by head: q, k, v (N, D) each → (N, D). Where it is causal, token i sees 0 … i.
  function attend(q, k, v, N, D, H, causal, trace) {
    const K = D / H, mixed = new Float64Array(N * D), weights = new Float64Array(H * N * N);
    for (let h = 0; h < H; h++)
      for (let i = 0; i < N; i++) {
        const seen = causal ? i + 1 : N, scores = new Float64Array(seen);                                                   // (seen)
        const query = q.subarray(i * D + h * K, i * D + (h + 1) * K);                                                       // (K)
        for (let j = 0; j < seen; j++) {
          let sum = 0;
          for (let c = 0, at = j * D + h * K; c < K; c++, at++) sum += query[c] * k[at];
          scores[j] = sum / Math.sqrt(K);
        }
        const row = softmax(scores);                                              // (seen), sums to 1
        weights.set(row, (h * N + i) * N);
        for (let j = 0; j < seen; j++)
          for (let c = 0; c < K; c++) mixed[i * D + h * K + c] += row[j] * v[j * D + h * K + c];
      }
    if (trace) trace.push(weights);                                               // (H, N, N)
    return mixed;                                                                 // (N, D)
  }

  ClipModel.softmax = softmax;
  ClipModel.dot = dot;
  ClipModel.normalize = normalize;
  window.ClipModel = ClipModel;
})();
