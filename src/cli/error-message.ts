import { messageOf as plainMessageOf } from "../message-of.ts";

/** What the library calls its options, and we our flags. What has been replaced stays: a message may pass here twice. */
const flags: Readonly<Record<string, string>> = {
  "tls.ca": "--cacert",
  "tls.cert": "--cert",
  "tls.key": "--cert-key",
  "tls.serverName": "--server-name",
  "user.passwordFile": "--password-file",
  discoverySrv: "--discovery-srv",
  "an etcd endpoint": "an endpoint of etcd (--etcd, --endpoints or their variables)",
  "the option user": "--user",
  "the option tls": "options for TLS",
};

const options = new RegExp(`(?<![\\w.])(${Object.keys(flags).join("|").replaceAll(".", "\\.")})(?!\\w)`, "g");

/** What `error` says, whatever it is, in the words of the command line. */
export function messageOf(error: unknown): string {
  return plainMessageOf(error).replace(options, (option) => flags[option] ?? option);
}
