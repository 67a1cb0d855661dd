// PostgreSQL's protocol over PGlite, a PostgreSQL with pgvector in WebAssembly, for the tests: `node server.mjs` prints its port, and ends
// when its input does. PGlite is one session of one database. So each database of a test is a PGlite of its own, made by CREATE DATABASE
// and ended by DROP DATABASE; connections to it take turns, a transaction at a time; and a login is the session's authorisation. COPY is
// handed on when its rows are together. A statement that waits for its turn can be cancelled, one that runs cannot. Passwords are not
// asked.
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import { createServer } from 'node:net';

const Owner = 'postgres';
const Ssl = 80877103, Gss = 80877104, Cancel = 80877102;
const databases = new Map(), connections = new Map();
let template, count = 0;

async function open(from) {
  const engine = await PGlite.create({ extensions: { vector }, loadDataDir: from });
  return { engine, holder: null, settings: '', waiting: [] };
}

// A message: its type, its length, its bytes.
function message(type, ...parts) {
  const body = Buffer.concat(parts.map(part => typeof part === 'string' ? Buffer.from(part + '\0') : part));
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const bytes = (...values) => Buffer.from(values);
const integer = value => { const buffer = Buffer.alloc(4); buffer.writeInt32BE(value); return buffer; };
const failure = (code, text, severity = 'ERROR') =>
  message('E', bytes(83), severity, bytes(86), severity, bytes(67), code, bytes(77), text, bytes(0));
const ready = status => message('Z', Buffer.from(status));

function* messages(buffer) {
  for (let at = 0; at < buffer.length;) {
    const length = 1 + buffer.readInt32BE(at + 1);
    yield { type: String.fromCharCode(buffer[at]), whole: buffer.subarray(at, at + length) };
    at += length;
  }
}

const textOf = query => query.subarray(5, query.length - 1).toString();
const quoted = name => `"${name.replaceAll('"', '""')}"`;

class Connection {
  constructor(socket) {
    [this.socket, this.id, this.secret, this.status, this.unit, this.copy] = [socket, ++count, count * 7919, 'I', [], null];
    this.rest = Buffer.alloc(0);
    this.work = Promise.resolve();
    socket.setNoDelay(true);
    socket.on('data', data => { this.work = this.work.then(() => this.take(data)).catch(problem => this.end(problem)); });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.cancel?.();
      this.work = this.work.then(() => this.close());
    });
    connections.set(this.id, this);
  }

  end(problem) {
    console.error(problem);
    this.socket.destroy();
  }

  async take(data) {
    this.rest = Buffer.concat([this.rest, data]);
    while (true) {
      if (!this.database) {
        if (this.rest.length < 8 || this.rest.length < this.rest.readInt32BE(0)) return;
        const length = this.rest.readInt32BE(0), start = this.rest.subarray(4, length);
        this.rest = this.rest.subarray(length);
        if (!await this.start(start)) return;
        continue;
      }
      if (this.rest.length < 5) return;
      const length = 1 + this.rest.readInt32BE(1);
      if (this.rest.length < length) return;
      const whole = this.rest.subarray(0, length);
      this.rest = this.rest.subarray(length);
      await this.receive(String.fromCharCode(whole[0]), whole);
    }
  }

  // Whether more is to be read from this connection.
  async start(packet) {
    const code = packet.readInt32BE(0);
    if (code === Ssl || code === Gss) {
      this.socket.write('N');
      return true;
    }
    if (code === Cancel) {
      const other = connections.get(packet.readInt32BE(4));
      if (other?.secret === packet.readInt32BE(8)) other.cancel?.();
      this.socket.end();
      return false;
    }
    const words = packet.subarray(4).toString().split('\0');
    this.parameters = Object.fromEntries(Array.from({ length: words.length >> 1 }, (_, i) => [words[2 * i], words[2 * i + 1]]));
    const { user, database = user } = this.parameters;
    const known = databases.get(database);
    const login = known && await this.turn(
      known, () => known.engine.query('SELECT 1 FROM pg_roles WHERE rolname = $1 AND rolcanlogin', [user]));
    const refused = !known ? failure('3D000', `database "${database}" does not exist`, 'FATAL')
      : login.rows.length === 0 ? failure('28P01', `password authentication failed for user "${user}"`, 'FATAL') : null;
    if (refused) {
      this.socket.end(refused);
      return false;
    }
    this.database = known;
    const version = (await this.turn(known, () => known.engine.query('SHOW server_version'))).rows[0].server_version;
    const about = { server_version: version, server_encoding: 'UTF8', client_encoding: 'UTF8', DateStyle: 'ISO, MDY', TimeZone: 'UTC',
      integer_datetimes: 'on', standard_conforming_strings: 'on', IntervalStyle: 'postgres', session_authorization: user };
    this.socket.write(Buffer.concat([message('R', integer(0)),
      ...Object.entries(about).map(([name, value]) => message('S', name, value)),
      message('K', integer(this.id), integer(this.secret)), ready('I')]));
    return true;
  }

  async receive(type, whole) {
    if (type === 'X') return void this.socket.end();
    if (this.copy) {
      this.copy.push(whole);
      if (type !== 'c' && type !== 'f') return;
      const all = Buffer.concat(this.copy);
      this.copy = null;
      // The answer to the query was given before its rows came.
      return this.answer(all, ({ type: answered }) => answered !== 'G');
    }
    this.unit.push(whole);
    if (type === 'Q') {
      const sql = textOf(whole), columns = /^\s*COPY\s[^(]*\(([^)]*)\)\s*FROM\s+STDIN/i.exec(sql);
      if (columns) {
        [this.copy, this.unit] = [[whole], []];
        const number = columns[1].split(',').length, binary = /BINARY/i.test(sql) ? 1 : 0;
        const formats = Buffer.alloc(3 + 2 * number);
        formats.writeInt8(binary);
        formats.writeInt16BE(number, 1);
        for (let i = 0; i < number; i++) formats.writeInt16BE(binary, 3 + 2 * i);
        return void this.socket.write(message('G', formats));
      }
      const create = /^\s*CREATE\s+DATABASE\s+(\w+)/i.exec(sql), drop = /^\s*DROP\s+DATABASE\s+(\w+)/i.exec(sql);
      if (create || drop) return this.change(create, drop);
    }
    if (type !== 'Q' && type !== 'S') return;
    const all = Buffer.concat(this.unit);
    // The same two statements in the extended protocol.
    const parsed = this.unit.length > 1 && String.fromCharCode(this.unit[0][0]) === 'P' ? this.unit[0].toString() : '';
    const create = /CREATE\s+DATABASE\s+(\w+)/i.exec(parsed), drop = /DROP\s+DATABASE\s+(\w+)/i.exec(parsed);
    if (create || drop) return this.change(create, drop, true);
    this.unit = [];
    await this.answer(all, () => true);
  }

  async change(create, drop, extended = false) {
    this.unit = [];
    if (create) databases.set(create[1], await open(template));
    else {
      const gone = databases.get(drop[1]);
      databases.delete(drop[1]);
      for (const other of connections.values()) if (other.database === gone) other.socket.destroy();
      await gone?.engine.close();
    }
    this.socket.write(Buffer.concat([...extended ? [message('1'), message('2'), message('n')] : [],
      message('C', create ? 'CREATE DATABASE' : 'DROP DATABASE'), ready('I')]));
  }

  async answer(all, keeps) {
    let result;
    try {
      result = await this.turn(this.database, () => this.database.engine.execProtocolRaw(all));
    } catch (problem) {
      if (problem !== Cancel) throw problem;
      return void this.socket.write(Buffer.concat([failure('57014', 'canceling statement due to user request'), ready(this.status)]));
    }
    const parts = [...messages(Buffer.from(result))];
    this.status = String.fromCharCode(parts.findLast(part => part.type === 'Z').whole[5]);
    if (this.status === 'I') this.pass(this.database);
    this.socket.write(Buffer.concat(parts.filter(keeps).map(part => part.whole)));
  }

  // Waits until no other connection is in a transaction, and makes the session this connection's.
  async turn(database, run) {
    if (database.holder !== this && (database.holder || database.waiting.length > 0)) {
      await new Promise((resolve, reject) => {
        const entry = { connection: this, resolve };
        database.waiting.push(entry);
        this.cancel = () => {
          database.waiting.splice(database.waiting.indexOf(entry), 1);
          reject(Cancel);
        };
      }).finally(() => { this.cancel = null; });
    }
    database.holder = this;
    try {
      const { user = Owner, search_path: path = 'public' } = this.database ? this.parameters : {};
      const settings = `DISCARD ALL; SET SESSION AUTHORIZATION ${quoted(user)}; SET search_path = ${path}`;
      if (database.settings !== settings) for (const setting of settings.split('; ')) await database.engine.exec(setting);
      database.settings = settings;
      return await run();
    } finally {
      if (!this.database) this.pass(database);
    }
  }

  pass(database) {
    const next = database.waiting.shift();
    database.holder = next?.connection ?? null;
    next?.resolve();
  }

  async close() {
    connections.delete(this.id);
    this.cancel?.();
    if (this.database?.holder !== this) return;
    if (this.status !== 'I') await this.database.engine.exec('ROLLBACK').catch(() => {});
    this.pass(this.database);
  }
}

databases.set(Owner, await open());
template = await databases.get(Owner).engine.dumpDataDir('none');
process.stdin.on('end', () => process.exit()).resume();
const server = createServer(socket => new Connection(socket));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
