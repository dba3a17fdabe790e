/**
 * A name, as etcd keys. `<path>/<suffix>` is an entry of its line, `<path>!<suffix>` the hold record of that entry.
 *
 * Plain, path-like names are their own path, so that Go's `concurrency.Mutex` and `etcdctl lock` mean the same line. Any
 * other character is percent-encoded, `%` and `!` among them: two different strings never share a path, and no path
 * contains the mark of a record.
 */
export class LineName {
  /** The name as the caller gave it. */
  readonly name: string;
  /** The range of the line's keys: entries, and whatever belongs to deeper names. */
  readonly entries: KeyRange;
  /** The range of the hold records. */
  readonly records: KeyRange;

  /** @throws RangeError when the encoded name is longer than {@link longestPath} bytes. */
  constructor(name: string, path: string = encodePath(name)) {
    if (path.length > longestPath) {
      throw new RangeError(`key must be at most ${longestPath} bytes when encoded for etcd; got ${path.length}`);
    }
    this.name = name;
    this.entries = { key: `${path}/`, rangeEnd: `${path}0` };
    this.records = { key: `${path}!`, rangeEnd: `${path}"` };
  }

  /**
   * The name that a key of etcd belongs to, as an entry or a hold record; `undefined` when it can be neither, or is too long
   * for ours. A path that we would not have made, of a foreign lock, is taken for the name.
   */
  static ofKey(key: string): LineName | undefined {
    const path = /^(.*)!(?:[0-9a-f]+(?:-[0-9a-z]+)?)$/s.exec(key)?.[1] ?? /^(.*)\/[^/]*$/s.exec(key)?.[1];
    return path === undefined || path.length > longestPath ? undefined : new LineName(decodePath(path), path);
  }

  /** The range of all keys of the names that begin with `prefix`. */
  static prefixRange(prefix: string): KeyRange {
    const key = prefix === "" ? "" : encodePath(prefix);
    return key === "" ? { key: "\0", rangeEnd: "\0" } : { key, rangeEnd: successor(key) };
  }

  entryKey(suffix: string): string {
    return this.entries.key + suffix;
  }

  recordKey(suffix: string): string {
    return this.records.key + suffix;
  }

  /** Whether a key is, or would be, an entry or a hold record of this very line. */
  owns(key: string): boolean {
    return this.suffixOfEntry(key) !== undefined || this.suffixOfRecord(key) !== undefined;
  }

  /** The suffix of an entry of this very line; `undefined` for a key of a deeper name (`a/b/…`, `a/b!…` in line `a`). */
  suffixOfEntry(key: string): string | undefined {
    const suffix = after(this.entries.key, key);
    return suffix === undefined || /[/!]/.test(suffix) ? undefined : suffix;
  }

  /** The suffix of a hold record; `undefined` for a key that cannot be one. */
  suffixOfRecord(key: string): string | undefined {
    const suffix = after(this.records.key, key);
    return suffix !== undefined && /^[0-9a-f]+(-[0-9a-z]+)?$/.test(suffix) ? suffix : undefined;
  }
}

/** All keys from `key` up to, and without, `rangeEnd`. */
export interface KeyRange {
  readonly key: string;
  readonly rangeEnd: string;
}

/** The longest encoded name, in bytes. etcd itself would take far longer ones. */
export const longestPath = 4_096;

const plain = /^[A-Za-z0-9/._~:@=+,-]+$/;
/** Stands for the empty name: a `%` that encodes nothing. */
const emptyPath = "%";

function encodePath(name: string): string {
  if (name === "") return emptyPath;
  if (plain.test(name)) return name;
  let path = "";
  for (const character of name) path += plain.test(character) ? character : percentEncode(character);
  return path;
}

function decodePath(path: string): string {
  if (path === emptyPath) return "";
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function after(start: string, key: string): string | undefined {
  return key.startsWith(start) ? key.slice(start.length) : undefined;
}

/** The first key after all that begin with `key`, which is plain ASCII. */
function successor(key: string): string {
  return key.slice(0, -1) + String.fromCharCode(key.charCodeAt(key.length - 1) + 1);
}

function percentEncode(character: string): string {
  const bytes = isLoneSurrogate(character) ? surrogateBytes(character) : Buffer.from(character);
  return Array.from(bytes, (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}

/** Half a character is a string of its own in JavaScript; in UTF-8 all of them would become the same U+FFFD. */
function isLoneSurrogate(character: string): boolean {
  return /^[\ud800-\udfff]$/.test(character);
}

function surrogateBytes(character: string): Uint8Array {
  const code = character.charCodeAt(0);
  return Uint8Array.of(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
}
