import { request } from "node:http";

/** What a member says about its cluster. Ids are decimal strings: they do not fit into a `number`. */
export interface MemberStatus {
  readonly memberId: string;
  /** `"0"` when the member knows of no leader. */
  readonly leaderId: string;
  readonly term: bigint;
}

/** Whether the member at `endpoint` carried out a linearizable read within `timeoutMs`. */
export async function isReady(endpoint: string, timeoutMs: number): Promise<boolean> {
  // A full member refuses to call itself healthy, and still serves reads.
  const answer = await ask("GET", `http://${endpoint}/health?exclude=NOSPACE`, timeoutMs);
  return answer?.includes(`"health":"true"`) === true;
}

/** The status of the member at `endpoint`, or `undefined` when it doesn't answer within `timeoutMs`. */
export async function readMemberStatus(endpoint: string, timeoutMs: number): Promise<MemberStatus | undefined> {
  const answer = await ask("POST", `http://${endpoint}/v3/maintenance/status`, timeoutMs);
  if (answer === undefined) return undefined;
  const status: StatusAnswer = JSON.parse(answer);
  return {
    memberId: status.header?.member_id ?? "0",
    leaderId: status.leader ?? "0",
    term: BigInt(status.raftTerm ?? 0),
  };
}

/** etcd's JSON leaves out what is zero, and writes 64-bit numbers as strings. */
interface StatusAnswer {
  readonly header?: { readonly member_id?: string };
  readonly leader?: string;
  readonly raftTerm?: string;
}

/** The body of a good answer, over a connection of its own; `undefined` for everything else. */
function ask(method: "GET" | "POST", url: string, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const call = request(url, { method, agent: false, signal }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body += text;
      });
      response.on("error", () => resolve(undefined));
      response.on("end", () => resolve(response.statusCode === 200 ? body : undefined));
    });
    call.on("error", () => resolve(undefined));
    call.end(method === "POST" ? "{}" : undefined);
  });
}
