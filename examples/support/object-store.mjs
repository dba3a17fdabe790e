// A small object store over HTTP: GET, and PUT with the conditions `If-Match: <etag>` and `If-None-Match: *`.

import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

const tokenHeader = "x-amz-meta-fencing-token";

/** Starts a store on a free port of this machine. */
export async function startObjectStore() {
  const objects = new Map();
  const server = createServer(async (request, response) => {
    if (request.method === "PUT") {
      const body = await text(request);
      response.writeHead(put(objects, request, body)).end();
    } else {
      get(objects, request, response);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  return { url: `http://127.0.0.1:${server.address().port}`, close };
}

/** The status code: 412 when the condition does not hold. */
function put(objects, { url, headers }, body) {
  const there = objects.get(url);
  const mustNotBeThere = headers["if-none-match"] === "*" && there !== undefined;
  const mustBeTheSame = headers["if-match"] !== undefined && headers["if-match"] !== there?.etag;
  if (mustNotBeThere || mustBeTheSame) return 412;
  const token = headers[tokenHeader] ?? "";
  const etag = `"${createHash("sha256").update(token).update("\0").update(body).digest("hex")}"`;
  objects.set(url, { body, token, etag });
  return 200;
}

function get(objects, { url }, response) {
  const there = objects.get(url);
  if (there === undefined) response.writeHead(404).end();
  else response.writeHead(200, { etag: there.etag, [tokenHeader]: there.token }).end(there.body);
}
