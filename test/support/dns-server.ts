import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";

/** What a name leads to, as an SRV record says it. */
export interface ServiceRecord {
  readonly target: string;
  readonly port: number;
  readonly priority?: number;
}

const srv = 33;
const internet = 1;
const nameError = 3;
const headerLength = 12;

/** A DNS server that knows SRV records, and nothing else. */
export class DnsServer {
  /** By name; may be changed at any time. */
  readonly records = new Map<string, readonly ServiceRecord[]>();
  readonly #socket: Socket;

  static async start(): Promise<DnsServer> {
    const server = new DnsServer();
    server.#socket.bind(0, "127.0.0.1");
    await once(server.#socket, "listening");
    return server;
  }

  private constructor() {
    this.#socket = createSocket("udp4");
    this.#socket.on("message", (query, client) => this.#answer(query, client));
  }

  /** As `dns.setServers()` takes it. */
  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  async close(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, "close");
  }

  #answer(query: Buffer, client: RemoteInfo): void {
    const { name, end } = readName(query, headerLength);
    const type = query.readUInt16BE(end);
    const records = type === srv ? (this.records.get(name.toLowerCase()) ?? []) : [];
    const question = query.subarray(headerLength, end + 4);
    const header = Buffer.alloc(headerLength);
    query.copy(header, 0, 0, 2);
    // An answer, which may be relied on; the question was to be looked up further, and could be.
    header.writeUInt16BE(0x8580 | (records.length === 0 ? nameError : 0), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    this.#socket.send(Buffer.concat([header, question, ...records.map(encodeRecord)]), client.port, client.address);
  }
}

/** The name at `start`, and where what follows it begins. */
function readName(message: Buffer, start: number): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = start;
  for (let length = message.readUInt8(at); length > 0; length = message.readUInt8(at)) {
    labels.push(message.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join("."), end: at + 1 };
}

function encodeRecord({ target, port, priority = 0 }: ServiceRecord): Buffer {
  const labels = target
    .split(".")
    .map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, "latin1"));
  const data = Buffer.concat([Buffer.alloc(6), ...labels, Buffer.alloc(1)]);
  data.writeUInt16BE(priority, 0);
  data.writeUInt16BE(port, 4);
  const head = Buffer.alloc(headerLength);
  // The name is that of the question.
  head.writeUInt16BE(0xc000 | headerLength, 0);
  head.writeUInt16BE(srv, 2);
  head.writeUInt16BE(internet, 4);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}
