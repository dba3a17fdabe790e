import type { Scene } from "../run/scene.ts";
import { type Fault, type Inflicted, NotPossible } from "./fault.ts";

/** What is done to the accounts of a cluster that wants to know who its clients are. */
export const accountFaults: readonly Fault[] = [
  {
    name: "password-changed",
    text: "the password of our own account is changed, in etcd and in the file that has it",
    part: "clients",
    inflict: async (scene) => {
      const accounts = accountsOf(scene);
      await accounts.inventPassword();
      return { note: "", lastsMs: scene.random.between(0, 300), heal: () => accounts.changePassword() };
    },
  },
  {
    name: "tokens-outdated",
    text: "rights are changed, so that everybody has to say anew who it is",
    part: "clients",
    inflict: async (scene) => {
      const accounts = accountsOf(scene);
      for (let round = 0; round < 3; round += 1) await accounts.outdateTokens();
      return momentary();
    },
  },
];

function accountsOf({ accounts }: Scene): NonNullable<Scene["accounts"]> {
  if (accounts === undefined) throw new NotPossible("the cluster has no accounts");
  return accounts;
}

function momentary(): Inflicted {
  return { note: "", lastsMs: 0, heal: async () => {} };
}
