import { askGateway, type Gateway, type GatewayCall } from "./gateway.ts";

/** What a member says about its cluster. Ids are decimal strings: they do not fit into a `number`. */
export interface MemberStatus {
  readonly memberId: string;
  /** `"0"` when the member knows of no leader. */
  readonly leaderId: string;
  readonly term: bigint;
}

/** Whether a member carried out a linearizable read within `timeoutMs`. */
export async function isReady(gateway: Gateway, timeoutMs: number): Promise<boolean> {
  // A full member refuses to call itself healthy, and still serves reads.
  const answer = await ask(gateway, { path: "/health?exclude=NOSPACE", timeoutMs });
  return answer?.includes(`"health":"true"`) === true;
}

/** The status of a member, or `undefined` when it doesn't answer within `timeoutMs`. */
export async function readMemberStatus(gateway: Gateway, timeoutMs: number): Promise<MemberStatus | undefined> {
  const answer = await ask(gateway, { path: "/v3/maintenance/status", body: {}, timeoutMs });
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

function ask(gateway: Gateway, call: GatewayCall): Promise<string | undefined> {
  return askGateway(gateway, call).catch(() => undefined);
}
