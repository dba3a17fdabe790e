import fc from "fast-check";

/** What nobody means to write: controls, escapes for terminals, halves of characters, numbers that are none, and much of it. */
const oddities = [
  ...[
    "",
    " ",
    "-",
    "--",
    "-1",
    "0",
    "0.5",
    "1e3",
    "0x10",
    "+5",
    "٣",
    "NaN",
    "Infinity",
    "-0",
    "9".repeat(400),
    "1e400",
  ],
  ...[
    "5 s",
    "5d",
    "5S",
    "1.s",
    ".5s",
    "5ms5",
    "30s\n",
    "1,2",
    "true",
    "TRUE",
    "maybe",
    "null",
    "undefined",
    "__proto__",
  ],
  ...["\n", "\r\n", "\t", "\u0007", "\u001b[2J\u001b[H", "\u001b]0;title\u0007", "\u009b31m", "\u007f", "\u0085"],
  ...["\u2028", "\u202e", "\u2066", "\ufeff", "\ud83d", "\ude00", "\ufffd", "é", "e\u0301", "中文", "👨‍👩‍👧"],
  ...[
    "/no/such/file",
    "/",
    ".",
    "/dev/null",
    "/proc/self/mem",
    "~",
    "$(id)",
    "`id`",
    "'",
    '"',
    "\\",
    "%s%n",
    "%",
    "a=b",
  ],
  ...[
    "localhost:0",
    "localhost:65536",
    "http://",
    "ftp://a",
    "[::1",
    "a b",
    "a,,b",
    ",",
    "http://a/b?c",
    "::1",
    "a:b:c",
  ],
  ...["x".repeat(20_000), "\u001b".repeat(5_000), "中".repeat(5_000)],
];

const anyText = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...oddities) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 30 }) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...oddities), fc.constantFrom(...oddities)).map((two) => two.join("")),
  },
);

/** Text as no option expects it, of any kind, but without NUL: it cannot be given to a program. */
export const hostileText: fc.Arbitrary<string> = anyText.map((text) => text.replaceAll("\0", ""));
