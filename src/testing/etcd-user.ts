import { randomBytes } from "node:crypto";
import { askGateway, type Gateway } from "./gateway.ts";

const callLimitMs = 10_000;

/** Who may do everything in a cluster where users have to say who they are. */
export interface EtcdUser {
  readonly name: string;
  readonly password: string;
}

/** The user `root`, with a password that nobody knows. */
export function inventRoot(): EtcdUser {
  return { name: "root", password: randomBytes(12).toString("hex") };
}

/** Makes `root` known to the cluster, and has everybody say who they are from now on. */
export async function enableAuth(gateway: Gateway, root: EtcdUser): Promise<void> {
  const steps = [
    { path: "/v3/auth/user/add", body: root },
    { path: "/v3/auth/role/add", body: { name: "root" } },
    { path: "/v3/auth/user/grant", body: { user: root.name, role: "root" } },
    { path: "/v3/auth/enable", body: {} },
  ];
  for (const step of steps) await askGateway(gateway, { ...step, timeoutMs: callLimitMs });
}

/** What shows to the members, for some minutes, that it is `user` who asks. */
export async function authenticate(gateway: Gateway, { name, password }: EtcdUser, timeoutMs: number): Promise<string> {
  const answer = await askGateway(gateway, { path: "/v3/auth/authenticate", body: { name, password }, timeoutMs });
  const { token = "" }: { token?: string } = JSON.parse(answer);
  return token;
}
