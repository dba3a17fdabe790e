import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";

/** What a server does with one request. `path` is that of the gRPC method. */
export type Behaviour = (stream: ServerHttp2Stream, path: string) => void;

/** Something that listens where etcd should. */
export interface HostileEtcd {
  readonly endpoint: string;
  close(): Promise<void>;
}

/** Starts a server of HTTP/2 that does with requests whatever it likes. */
export async function startHostileEtcd(behaviour: Behaviour): Promise<HostileEtcd> {
  const server: Http2Server = createServer();
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    behaviour(stream, String(headers[":path"]));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `127.0.0.1:${port}`,
    close: async () => {
      for (const session of sessions) session.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Answers with one message, and then with a status. */
export function answer(stream: ServerHttp2Stream, message: Uint8Array, status = "0", words = ""): void {
  const length = Buffer.alloc(5);
  length.writeUInt32BE(message.length, 1);
  answerRaw(stream, Buffer.concat([length, message]), status, words);
}

/** Answers with bytes that need be no message. */
export function answerRaw(stream: ServerHttp2Stream, bytes: Uint8Array, status = "0", words = ""): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": status, "grpc-message": words }));
  stream.end(bytes);
}
