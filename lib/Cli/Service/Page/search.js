'use strict';

// The page asks the service that it comes from and nobody else. What is asked for is one list of terms; every change of it asks anew.
const PAGE = 40, NOT = -0.5, PAUSE = 350;
const at = id => document.getElementById(id);
const text = at('text'), not = at('not'), gallery = at('gallery'), status = at('status'), view = at('view');

let pictures = [];      // terms that are pictures: { id | file, name, address, weight }
let found = [];         // what the gallery shows
let more = false, busy = false, asking = null, pause = 0;
let key = sessionStorage.getItem('clipbook-key');

// ---- asking

async function ask(path, options = {}) {
  const headers = { ...options.headers };
  if (key) headers['X-Api-Key'] = key;
  let answer;
  try {
    answer = await fetch(path, { ...options, headers });
  } catch (problem) {
    if (problem.name === 'AbortError') throw problem;
    throw { title: 'The service does not answer.', detail: 'It may have been stopped. Start it again (clipbook serve --api).' };
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({ title: `The service answered ${answer.status}.`, detail: '' }));
  throw { ...problem, status: answer.status };
}

function terms() {
  const words = [{ text: text.value.trim(), weight: 1 }, { text: not.value.trim(), weight: NOT }].filter(word => word.text);
  return [...words, ...pictures.map((picture, place) => picture.file ? { image: `picture-${place}`, weight: picture.weight }
    : { id: picture.id, weight: picture.weight })];
}

function filter() {
  const wanted = {};
  for (const box of document.querySelectorAll('#keys input:checked')) (wanted[box.name] ??= []).push(box.value);
  return wanted;
}

function body(skip) {
  const query = JSON.stringify({ terms: terms(), filter: filter(), top: PAGE, skip });
  const files = pictures.map((picture, place) => [picture.file, `picture-${place}`]).filter(([file]) => file);
  if (files.length === 0) return { body: query, headers: { 'Content-Type': 'application/json' } };
  const form = new FormData();
  form.append('query', query);
  for (const [file, name] of files) form.append(name, file);
  return { body: form };
}

/** Asks from the start, or for what comes behind what is shown. */
async function search(from = 0) {
  if (from > 0 && (busy || !more)) return;
  asking?.abort();
  const mine = asking = new AbortController();
  busy = true;
  if (from === 0) status.textContent = 'Searching …';
  try {
    const page = await (await ask('/v1/search', { method: 'POST', signal: mine.signal, ...body(from) })).json();
    if (from === 0) {
      found = [];
      gallery.replaceChildren();
      window.scrollTo({ top: 0 });
    }
    more = page.more;
    for (const hit of page.results) show(hit);
    tell();
    at('problem').hidden = true;
  } catch (problem) {
    if (problem.name === 'AbortError') return;
    fail(problem);
  } finally {
    if (asking === mine) busy = false;
  }
  // A tall window has room for more than a page.
  if (asking === mine && more && at('end').getBoundingClientRect().top < innerHeight + 400) search(found.length);
}

function tell() {
  const asked = terms().length > 0, filtered = Object.keys(filter()).length > 0;
  status.textContent = found.length > 0
    ? `${found.length}${more ? ' and more' : ''} ${found.length === 1 ? 'picture' : 'pictures'}${asked ? ', the most similar first' : ''}.`
    : filtered ? 'No picture passes the filters. Take one away.'
    : asked ? 'Nothing was found: the index holds no picture yet.'
    : 'Say what the pictures should show.';
}

function fail(problem) {
  more = false;
  status.textContent = '';
  if (problem.status === 401) {
    at('key').hidden = false;
    at('key-text').focus();
    if (!key) return;
  }
  at('problem-title').textContent = problem.title ?? 'Something failed.';
  at('problem-detail').textContent = problem.detail ?? '';
  at('problem').hidden = false;
}

// ---- showing

/** Without a key the browser loads a picture by itself, when it comes into sight; a header can be sent by a script alone. */
async function load(image, address) {
  image.dataset.address = address;
  if (!key) {
    image.loading = 'lazy';
    image.src = address;
    return;
  }
  try {
    const blob = await (await ask(address)).blob();
    // Of two that were asked for in turn the first may come last.
    if (image.dataset.address !== address) return;
    image.src = URL.createObjectURL(blob);
    image.addEventListener('load', () => URL.revokeObjectURL(image.src), { once: true });
  } catch {
    image.dispatchEvent(new Event('error'));
  }
}

function show(hit) {
  const card = at('card').content.cloneNode(true).firstElementChild;
  const picture = card.querySelector('.picture'), image = card.querySelector('img'), place = found.length;
  const none = () => {
    picture.classList.add('none');
    picture.textContent = 'no picture';
  };
  image.alt = hit.id;
  image.addEventListener('error', none, { once: true });
  if (hit.thumbnail) load(image, hit.thumbnail);
  else none();
  picture.setAttribute('aria-label', `Show ${hit.id}`);
  card.querySelector('.name').textContent = hit.id;
  card.querySelector('.name').title = hit.id;
  card.querySelector('.score').textContent = hit.score === null ? '' : hit.score.toFixed(3);
  card.querySelector('.like').setAttribute('aria-label', `like this: ${hit.id}`);
  card.querySelector('.unlike').setAttribute('aria-label', `not this: ${hit.id}`);
  picture.addEventListener('click', () => open(hit));
  card.querySelector('.like').addEventListener('click', () => add({ id: hit.id, name: hit.id, address: hit.thumbnail, weight: 1 }));
  card.querySelector('.unlike').addEventListener('click', () => add({ id: hit.id, name: hit.id, address: hit.thumbnail, weight: NOT }));
  picture.addEventListener('focus', () => reach(place));
  found.push(hit);
  gallery.append(card);
  if (place === 0) reach(0);
}

/** The Tab key stops at one card of the gallery; arrows lead to the others. */
function reach(place) {
  for (const button of gallery.querySelectorAll('button[tabindex="0"]')) button.tabIndex = -1;
  for (const button of gallery.children[place]?.querySelectorAll('button') ?? []) button.tabIndex = 0;
}

function open(hit) {
  at('view-name').textContent = hit.id;
  at('view-picture').alt = hit.id;
  at('view-picture').removeAttribute('src');
  delete at('view-picture').dataset.address;
  if (hit.original) load(at('view-picture'), hit.original);
  const about = Object.entries(hit.metadata);
  if (hit.score !== null) about.unshift(['similarity', hit.score.toFixed(4)]);
  at('view-about').replaceChildren(...about.flatMap(([name, value]) => {
    const [term, said] = [document.createElement('dt'), document.createElement('dd')];
    [term.textContent, said.textContent] = [name, value];
    return [term, said];
  }));
  view.showModal();
}

// ---- what is asked for

function add(picture) {
  pictures = pictures.filter(other => !picture.id || other.id !== picture.id);
  pictures.push(picture);
  list();
  search();
}

function addFile(file) {
  if (!file) return;
  if (!file.type.startsWith('image/')) return fail({ title: 'That is no picture.', detail: `${file.name} is ${file.type || 'unknown'}.` });
  add({ file, name: file.name || 'a pasted picture', address: URL.createObjectURL(file), weight: 1 });
}

function list() {
  at('terms').replaceChildren(...pictures.map(picture => {
    const term = document.createElement('li'), name = document.createElement('span'), remove = document.createElement('button');
    if (picture.weight < 0) term.className = 'minus';
    if (picture.address) {
      const image = document.createElement('img');
      image.alt = '';
      if (picture.file) image.src = picture.address;
      else load(image, picture.address);
      term.append(image);
    }
    name.textContent = `${picture.weight < 0 ? 'not ' : 'like '}${picture.name}`;
    remove.type = 'button';
    remove.textContent = '✕';
    remove.setAttribute('aria-label', `Remove ${name.textContent}`);
    remove.addEventListener('click', () => {
      if (picture.file) URL.revokeObjectURL(picture.address);
      pictures = pictures.filter(other => other !== picture);
      list();
      search();
      text.focus();
    });
    term.append(name, remove);
    return term;
  }));
}

async function facets() {
  try {
    const { keys } = await (await ask('/v1/facets')).json();
    at('facets').hidden = keys.length === 0;
    at('filters').open = innerWidth >= 896;
    at('keys').replaceChildren(...keys.map(facet => {
      const set = document.createElement('fieldset'), legend = document.createElement('legend');
      legend.textContent = facet.key;
      set.append(legend, ...facet.values.map(({ value, count }) => {
        const label = document.createElement('label'), box = document.createElement('input'), times = document.createElement('span');
        [box.type, box.name, box.value] = ['checkbox', facet.key, value];
        box.addEventListener('change', () => search());
        times.className = 'count';
        times.textContent = count;
        label.append(box, value, times);
        return label;
      }));
      return set;
    }));
  } catch (problem) {
    fail(problem);
  }
}

// ---- hands

at('ask').addEventListener('submit', event => {
  event.preventDefault();
  clearTimeout(pause);
  search();
});
for (const field of [text, not]) field.addEventListener('input', () => {
  clearTimeout(pause);
  pause = setTimeout(search, PAUSE);
});
at('file').addEventListener('change', event => {
  addFile(event.target.files[0]);
  event.target.value = '';
});
at('again').addEventListener('click', () => start());
at('key').addEventListener('submit', event => {
  event.preventDefault();
  key = at('key-text').value.trim();
  sessionStorage.setItem('clipbook-key', key);
  at('key').hidden = at('problem').hidden = true;
  start();
});

document.addEventListener('dragover', event => {
  event.preventDefault();
  document.body.classList.add('dropping');
});
document.addEventListener('dragleave', event => {
  if (!event.relatedTarget) document.body.classList.remove('dropping');
});
document.addEventListener('drop', event => {
  event.preventDefault();
  document.body.classList.remove('dropping');
  addFile(event.dataTransfer.files[0]);
});
document.addEventListener('paste', event => {
  const file = [...event.clipboardData.files].find(each => each.type.startsWith('image/'));
  if (!file) return;
  event.preventDefault();
  addFile(file);
});

document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || view.open) return;
  const types = event.target.matches('input');
  if (event.key === '/' && !types) {
    event.preventDefault();
    text.focus();
    text.select();
  } else if (event.key === 'Escape') {
    if (types || pictures.length === 0) text.value = not.value = '';
    pictures = types ? pictures : [];
    list();
    search();
    text.focus();
  } else if (event.key === 'ArrowDown' && event.target === text) {
    event.preventDefault();
    gallery.querySelector('.picture')?.focus();
  } else if (event.target.closest('#gallery')) step(event);
});

function step(event) {
  const card = event.target.closest('li'), cards = [...gallery.children], place = cards.indexOf(card);
  const across = Math.max(1, cards.filter(each => each.offsetTop === cards[0].offsetTop).length);
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key];
  if (by !== undefined) {
    event.preventDefault();
    if (place + by < 0) return text.focus();
    const next = cards[Math.min(cards.length - 1, place + by)];
    next.querySelector('.picture').focus();
    if (place + by >= cards.length - across) search(found.length);
  } else if (event.key === '+') card.querySelector('.like').click();
  else if (event.key === '-') card.querySelector('.unlike').click();
}

new IntersectionObserver(entries => {
  if (entries.some(entry => entry.isIntersecting)) search(found.length);
}, { rootMargin: '400px' }).observe(at('end'));

function start() {
  facets();
  search();
}

start();
