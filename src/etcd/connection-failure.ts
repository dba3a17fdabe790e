/** What Node.js, OpenSSL and grpc-js say, and what that means. The first that fits counts; without one, it is as they say. */
const meanings: readonly (readonly [said: RegExp, meaning: string])[] = [
  [
    /unable to verify|unable to get (local )?issuer|self.signed certificate|signature failure/,
    "etcd's certificate is not from an authority that we know: is tls.ca the right one?",
  ],
  [/certificate has expired/, "etcd's certificate has expired"],
  [/certificate is not yet valid/, "etcd's certificate is not valid yet: is a clock wrong?"],
  [/SSL alert number (4\d|116)\b/, "etcd does not let us in: are tls.cert and tls.key what it wants?"],
  [
    /wrong version number|before secure TLS connection was established|before TLS was spoken/,
    "no TLS was spoken there: is it http://?",
  ],
  [
    /HTTP\/2 over TLS|SSL alert number 120\b/,
    "no HTTP/2 was spoken there over TLS: is this etcd's address for clients?",
  ],
  [/HTTP\/2 without TLS/, "no HTTP/2 was spoken there without TLS: is it https://?"],
  [
    /^unknown (service|method)\b/,
    "what answers there does not know what etcd knows: is this etcd's address for clients?",
  ],
  [/^(Failed to connect|Protocol error)/, "no HTTP/2 was spoken there: is it http://, or https://?"],
];

const otherName = /does not match certificate's altnames: (.*)/;

/** Why a connection to an endpoint could not be made, or broke, for people to read. */
export function explainConnectionFailure(details: string): string {
  const said = /Last error: (?:Error: )?(.*?)(?: \(\d{4}-[^)]*\))?\.? Resolution note:/s.exec(details)?.[1] ?? details;
  const name = otherName.exec(said)?.[1];
  if (name !== undefined) return `etcd's certificate is for another name: is tls.serverName needed? (${name})`;
  const meaning = meanings.find(([text]) => text.test(said))?.[1];
  return meaning === undefined ? said : `${meaning} (${/SSL routines:[^:]*:([^:]+)/.exec(said)?.[1] ?? said})`;
}
